// The camera, a picture at a time.

/** Whether there is one that this page may ask for. */
export async function hasCamera() {
  // Not there unless the page comes by HTTPS or from this device.
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return devices.some((device) => device.kind === "videoinput");
}

/**
 * Opens it, on a phone the one at the back.
 *
 * @param onFrame is given a video for each picture; waited for.
 * @param onEnd is called when the camera is gone.
 * @return a function that closes it.
 */
export async function openCamera(onFrame, onEnd) {
  const stream = await navigator.mediaDevices.getUserMedia(
    {video: {facingMode: "environment"}});
  const video = document.createElement("video");
  Object.assign(video, {srcObject: stream, muted: true, playsInline: true});
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    for (const track of stream.getTracks()) track.stop();
    onEnd();
  };
  stream.getVideoTracks()[0].addEventListener("ended", close);
  await video.play();
  const next = async () => {
    if (!open) return;
    await onFrame(video);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  return close;
}
