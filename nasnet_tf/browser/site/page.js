// The page: what is loaded, what is pressed, what is shown.

import {hasCamera, openCamera} from "./camera.js";
import {showClasses} from "./classes.js";
import {openNetwork} from "./network.js";
import {asInput, margins, readPixels} from "./pixels.js";

// Shows a network's outputs, by the settings' task.
const SHOW = {classification: showClasses};
// Pixels of the longer side of a picture: as it is shown at most, and where it
// is so small that its pixels are to be seen.
const LONGEST = 1024, SMALL = 64;

const element = (id) => document.getElementById(id);
const backends = [...document.querySelectorAll("[name=backend]")];
const page = {
  settings: null, labels: null, content: null, network: null,
  picture: null, closeCamera: null,
};

/** One thing after the other; what fails is told. */
let turn = Promise.resolve();
function inTurn(work) {
  turn = turn.then(work).catch((error) => fail(error.message));
  return turn;
}

async function fetched(name) {
  const response = await fetch(name).catch((error) => {
    throw new Error(`${name} cannot be loaded (${error.message}).`);
  });
  if (!response.ok) {
    throw new Error(`${name} cannot be loaded (${response.status} ` +
      `${response.statusText}). Copy the folder whole, or export it again.`);
  }
  return response;
}

async function load() {
  const settings = await (await fetched("settings.json")).json();
  if (!(settings.task in SHOW)) {
    throw new Error(`This page cannot show what a network for ` +
      `${settings.task} answers.`);
  }
  element("title").textContent = document.title = settings.title;
  if (settings.labels) {
    const text = await (await fetched(settings.labels)).text();
    page.labels = text.replace(/\n$/, "").split("\n");
  }
  page.settings = settings;
  page.content = new Uint8Array(
    await (await fetched(settings.model)).arrayBuffer());
  await open("wasm");
  await offerBackends();
  const {height, width} = settings.image;
  element("about").textContent = [
    ...(page.labels ? [`${page.labels.length} classes`] : []),
    `${width}\u2009×\u2009${height} pixels`,
    `${(page.content.length / 1e6).toFixed(1)} MB`,
  ].join(" · ");
  element("camera").hidden = !await hasCamera();
  element("file").disabled = false;
}

async function open(backend) {
  say("Getting the network ready…");
  try {
    const network = await openNetwork(page.content, page.settings, backend);
    page.network?.close();
    page.network = network;
  } catch (error) {
    say("");
    throw error;
  } finally {
    for (const choice of backends) {
      choice.checked = choice.value === (page.network?.backend ?? "wasm");
    }
  }
  element("backend-note").textContent = note(backend, page.network);
  say(page.picture ? "" : "Ready for a picture.");
}

function note(wanted, {backend, threads}) {
  if (backend !== wanted) {
    return "WebGPU cannot run all of this network here, so WebAssembly does.";
  }
  if (backend === "webgpu") return "";
  if (threads) return `On up to ${navigator.hardwareConcurrency} threads.`;
  return "On one thread. It takes more where the server sends the COOP and " +
    "COEP headers that the model card tells of.";
}

async function offerBackends() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  for (const choice of backends) {
    choice.disabled = choice.value === "webgpu" && !adapter;
    choice.parentElement.title = choice.disabled
      ? "This browser has no WebGPU here." : "";
  }
}

/** Reads what a canvas can draw, runs the network and shows the answer. */
async function answer(source, width, height) {
  const {settings, labels, network} = page;
  const began = performance.now();
  const {pixels, transparent} = readPixels(
    source, width, height, settings.image);
  const input = asInput(pixels, settings);
  const reading = performance.now() - began;
  const {answers, milliseconds} = await network.run(input);
  draw(source, width, height);
  SHOW[settings.task](answers, settings, labels, element("answers"));
  element("network-time").textContent = `${milliseconds.toFixed(1)} ms`;
  element("reading-time").textContent = `${reading.toFixed(1)} ms`;
  fail("");
  say([
    transparent && "The picture is transparent in parts, which count as black.",
    settings.output === "scores" &&
      "The network gives scores; shown is their softmax.",
  ].filter(Boolean).join(" "));
}

/** The picture, darker where the network does not look. */
function draw(source, width, height) {
  const canvas = element("picture");
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const {left, top} = margins(width, height, page.settings.image.crop);
  const shade = new Path2D();
  shade.rect(0, 0, canvas.width, canvas.height);
  shade.rect(left * scale, top * scale,
    canvas.width - 2 * left * scale, canvas.height - 2 * top * scale);
  context.fillStyle = "rgb(0 0 0 / 45%)";
  context.fill(shade, "evenodd");
  canvas.classList.toggle("small", Math.max(width, height) <= SMALL);
  canvas.hidden = false;
  element("invitation").hidden = true;
}

function say(text) {
  element("status").textContent = text;
  element("status").hidden = !text;
}

/** A file of the user's, turned as it says, its numbers as they are stored. */
async function take(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, {colorSpaceConversion: "none"});
  } catch {
    throw new Error(`${file.name} cannot be read as a picture by this ` +
      "browser. Take a JPEG or PNG file.");
  }
  page.closeCamera?.();
  page.picture?.close();
  page.picture = picture;
  await answer(picture, picture.width, picture.height);
}

async function toggleCamera() {
  if (page.closeCamera) return page.closeCamera();
  const onEnd = () => {
    page.closeCamera = null;
    element("camera").textContent = "Camera";
  };
  try {
    page.closeCamera = await openCamera((video) => inTurn(
      () => page.closeCamera && answer(
        video, video.videoWidth, video.videoHeight)), onEnd);
  } catch (error) {
    throw new Error(`The camera cannot be opened (${error.message}).`);
  }
  element("camera").textContent = "Stop the camera";
}

element("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) inTurn(() => take(file));
  // So that the same file can be chosen again.
  event.target.value = "";
});
element("camera").addEventListener("click", () => inTurn(toggleCamera));
for (const choice of backends) {
  choice.addEventListener("change", () => inTurn(async () => {
    await open(choice.value);
    const {picture, closeCamera} = page;
    if (picture && !closeCamera) {
      await answer(picture, picture.width, picture.height);
    }
  }));
}
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle(
      "over", ["dragenter", "dragover"].includes(kind));
    const file = event.dataTransfer?.files[0];
    if (kind === "drop" && file && page.network) inTurn(() => take(file));
  });
}

await inTurn(load);
