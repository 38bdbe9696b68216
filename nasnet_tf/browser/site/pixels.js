// A picture as the network reads it: the pixels that Python's
// `nasnet_tf.images.image_reading.ImageReading.read` has, and their scaling.

// Of a phone's camera 12 million pixels are too many for a canvas of some
// browsers, so a picture is read in strips.
const STRIP_ROWS = 256;

/**
 * The network's part of a picture, at the network's size.
 *
 * @param source what a canvas can draw: an ImageBitmap or a video.
 * @param image of the settings: height, width, channels, crop, resize.
 * @return {{pixels, transparent}} numbers of 0 to 255, height by width by
 *     channels, and whether the picture lets its background through.
 */
export function readPixels(source, width, height, image) {
  if (image.resize !== "bilinear") {
    throw new Error(`This page cannot resize by ${image.resize}.`);
  }
  const {left, top} = margins(width, height, image.crop);
  const part = {
    left, top, width: width - 2 * left, height: height - 2 * top,
  };
  const {rows, transparent} = narrowed(source, part, image);
  return {pixels: shortened(rows, part.height, image), transparent};
}

/** What is left out at each side. */
export function margins(width, height, crop) {
  const share = (1 - crop) / 2;
  const margin = (side) => Math.min(
    toEven(side * share), Math.floor((side - 1) / 2));
  return {left: margin(width), top: margin(height)};
}

/**
 * Pixels as the network's input.
 *
 * @param pixels of readPixels.
 * @param settings input is "float32" or "uint8"; preprocessing is
 *     "whitening", or has mean and deviation for each channel.
 */
export function asInput(pixels, settings) {
  if (settings.input === "uint8") {
    return Uint8Array.from(pixels, toEven);
  }
  const {mean, deviation} = settings.preprocessing === "whitening"
    ? ownMoments(pixels) : settings.preprocessing;
  return Float32Array.from(pixels, (pixel, place) => {
    const channel = place % mean.length;
    return (pixel - mean[channel]) / deviation[channel];
  });
}

function ownMoments(pixels) {
  const mean = pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length;
  const variance = pixels.reduce(
    (sum, pixel) => sum + (pixel - mean) ** 2, 0) / pixels.length;
  // The floor keeps a picture of one colour finite.
  const deviation = Math.max(Math.sqrt(variance), pixels.length ** -0.5);
  return {mean: [mean], deviation: [deviation]};
}

/** Rounds as Python does: halves to the even number. */
function toEven(value) {
  const below = Math.floor(value);
  return below + (value - below > 0.5 || (value - below === 0.5 && below % 2));
}

/**
 * What each of `to` pixels takes of `from`: a triangle as wide as a pixel of
 * the smaller picture. Pillow's antialiased BILINEAR; a canvas has others.
 */
function shares(from, to) {
  const scale = from / to, support = Math.max(scale, 1);
  return Array.from({length: to}, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = Array.from({length: end - first}, (_, number) => Math.max(
      0, 1 - Math.abs((first + number - center + 0.5) / support)));
    const sum = weights.reduce((a, b) => a + b);
    return {first, weights: weights.map((weight) => weight / sum)};
  });
}

/** All rows of a part of a picture, at the network's width. */
function narrowed(source, part, {width, channels}) {
  const columns = shares(part.width, width);
  const rows = new Float32Array(part.height * width * channels);
  const canvas = new OffscreenCanvas(
    part.width, Math.min(STRIP_ROWS, part.height));
  const context = canvas.getContext("2d", {willReadFrequently: true});
  let transparent = false, place = 0;
  for (let top = 0; top < part.height; top += canvas.height) {
    const count = Math.min(canvas.height, part.height - top);
    const size = [part.width, count];
    context.clearRect(0, 0, ...size);
    context.drawImage(
      source, part.left, part.top + top, ...size, 0, 0, ...size);
    const {data} = context.getImageData(0, 0, ...size);
    transparent ||= hasAlpha(data);
    if (channels === 1) toGrey(data);
    for (let row = 0; row < count; row++) {
      for (const {first, weights} of columns) {
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0, from = 4 * (row * part.width + first) + channel;
          for (let n = 0; n < weights.length; n++, from += 4) {
            sum += weights[n] * data[from];
          }
          rows[place++] = sum;
        }
      }
    }
  }
  return {rows, transparent};
}

/** Rows, as many as the network reads. */
function shortened(rows, from, {height, width, channels}) {
  const length = width * channels;
  const pixels = new Float32Array(height * length);
  let place = 0;
  for (const {first, weights} of shares(from, height)) {
    for (let column = 0; column < length; column++) {
      let sum = 0, from = first * length + column;
      for (let n = 0; n < weights.length; n++, from += length) {
        sum += weights[n] * rows[from];
      }
      pixels[place++] = sum;
    }
  }
  return pixels;
}

function hasAlpha(data) {
  for (let place = 3; place < data.length; place += 4) {
    if (data[place] < 255) return true;
  }
  return false;
}

/** Grey of 8 bits in the place of red, by Pillow's whole numbers. */
function toGrey(data) {
  for (let place = 0; place < data.length; place += 4) {
    data[place] = (19595 * data[place] + 38470 * data[place + 1] +
      7471 * data[place + 2] + 0x8000) >> 16;
  }
}
