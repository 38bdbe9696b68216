// The network, as LiteRT.js runs it.

let library = null;

/** Loads LiteRT.js once; says in a line why it cannot. */
async function loadLibrary() {
  let litert;
  try {
    litert = await import("@litertjs/core");
  } catch (error) {
    throw new Error(`LiteRT.js cannot be loaded (${error.message}). It is ` +
      "copied into this folder, or told of, by --litert_js of the export.");
  }
  const wasm = new URL("../wasm/", import.meta.resolve("@litertjs/core")).href;
  let threads = crossOriginIsolated;
  try {
    await litert.loadLiteRt(wasm, {threads});
  } catch (error) {
    // Threads need more of a browser than one does.
    if (!threads) throw unloadable(error);
    threads = false;
    await litert.loadLiteRt(wasm).catch((again) => {
      throw unloadable(again);
    });
  }
  return {litert, threads};
}

function unloadable(error) {
  // A script that is not found says no reason.
  return new Error("LiteRT.js's WebAssembly cannot be loaded " +
    `(${error.message || "a file in its folder wasm is missing"}).`);
}

/**
 * Readies a network.
 *
 * @param content the .tflite file's bytes.
 * @param settings of the page: image and input.
 * @param wanted "wasm" or "webgpu".
 * @return {{backend, threads, run, close}} the backend that it runs on, which
 *     is another where this one cannot; `run` takes an input and gives its
 *     outputs and the milliseconds that they took.
 */
export async function openNetwork(content, settings, wanted) {
  library ??= loadLibrary();
  const {litert, threads} = await library.catch((error) => {
    library = null;
    throw error;
  });
  const model = await litert.loadAndCompile(content, {accelerator: wanted});
  try {
    check(model, settings);
  } catch (error) {
    model.delete();
    throw error;
  }
  const shape = Array.from(model.getInputDetails()[0].shape);
  const network = {
    backend: model.options.accelerator,
    threads,
    run: (input) => run(litert, model, input, shape),
    close: () => model.delete(),
  };
  // The first run prepares what later ones find.
  const kind = settings.input === "uint8" ? Uint8Array : Float32Array;
  await network.run(new kind(shape.reduce((a, b) => a * b)));
  return network;
}

/** That the settings are this network's. */
function check(model, {image, input}) {
  const [given, ...more] = model.getInputDetails();
  const shape = [1, image.height, image.width, image.channels].join(", ");
  const own = Array.from(given.shape).join(", ");
  if (more.length || own !== shape || given.dtype !== input) {
    throw new Error(`The network reads ${given.dtype} (${own}), but the ` +
      `settings say ${input} (${shape}). Export it again.`);
  }
}

async function run(litert, model, input, shape) {
  const tensor = new litert.Tensor(input, shape);
  const began = performance.now();
  const outputs = await model.run([tensor]);
  const answers = await Promise.all(outputs.map((output) => output.data()));
  const milliseconds = performance.now() - began;
  for (const each of [tensor, ...outputs]) each.delete();
  return {answers, milliseconds};
}
