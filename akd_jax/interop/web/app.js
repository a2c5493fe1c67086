// Translates a photo in the page: an ONNX model, run by onnxruntime-web.

// At once: a file that is dropped while the network loads would replace the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => event.preventDefault());
}

let ort;
const at = (id) => document.getElementById(id);
const state = { about: null, generator: null, recognizer: null,
                photo: null, own: null, label: null, drawn: null,
                // Of photos that were chosen, and of wishes to be drawn.
                choice: 0, turn: 0 };

const readable = (name) => name.replaceAll("_", " ");
const say = (text) => { at("status").textContent = text; };

// What Pillow's antialiased bicubic resize does, to one line of pixels.
function resizeWeights(from, to) {
  const scale = Math.max(from / to, 1), support = 2 * scale;
  const cubic = (x) => {
    x = Math.abs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  };
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let j = first; j < last; j++) {
      weights.push(cubic((j - centre + 0.5) / scale));
    }
    const total = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((x) => x / total) };
  });
}

// RGB [height, width, 3] -> [size, size, 3]; rounded between both directions.
function resize(pixels, width, height, size) {
  const clamp = (x) => Math.min(255, Math.max(0, Math.floor(x + 0.5)));
  const across = resizeWeights(width, size), down = resizeWeights(height, size);
  const narrow = new Uint8Array(height * size * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < size; x++) {
    const { first, weights } = across[x];
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += weights[k] * pixels[(y * width + first + k) * 3 + c];
      }
      narrow[(y * size + x) * 3 + c] = clamp(sum);
    }
  }
  const square = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    const { first, weights } = down[y];
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += weights[k] * narrow[((first + k) * size + x) * 3 + c];
      }
      square[(y * size + x) * 3 + c] = clamp(sum);
    }
  }
  return square;
}

// The centre of a photo, upright, on white, as in training: RGB [S, S, 3].
async function readPhoto(file) {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image", colorSpaceConversion: "none",
  });
  const { crop, image_size: size } = state.about;
  const most = Math.min(bitmap.width, bitmap.height);
  // A crop fits the photos of the training: of a large one it is a nose.
  const side = crop && 2 * crop >= most ? Math.min(crop, most) : most;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, -Math.floor((bitmap.width - side) / 2),
                    -Math.floor((bitmap.height - side) / 2));
  bitmap.close();
  const { data } = context.getImageData(0, 0, side, side);
  const pixels = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = data[4 * i + c];
  }
  return resize(pixels, side, side, size);
}

function toTensor(photo) {
  const count = photo.length / 3, size = state.about.image_size;
  const planes = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) planes[c * count + i] = photo[3 * i + c] / 127.5 - 1;
  }
  return new ort.Tensor("float32", planes, [1, 3, size, size]);
}

function fromTensor(tensor) {
  const count = tensor.data.length / 3, photo = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) for (let c = 0; c < 3; c++) {
    const x = Math.round((tensor.data[c * count + i] + 1) * 127.5);
    photo[3 * i + c] = Math.min(255, Math.max(0, x));
  }
  return photo;
}

function paint(canvas, photo, description) {
  const size = Math.sqrt(photo.length / 3);
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = photo[3 * i + c];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.setAttribute("aria-label", description);
}

// The photo, faint, with what has changed in the accent's yellow to red.
function whereItChanged() {
  const { photo, drawn } = state, shown = new Uint8Array(photo.length);
  for (let i = 0; i < photo.length; i += 3) {
    let change = 0, grey = 0;
    for (let c = 0; c < 3; c++) {
      change += Math.abs(photo[i + c] - drawn[i + c]) / 255;
      grey += photo[i + c] / 3;
    }
    const heat = Math.min(1, change);
    [255, 210 - 170 * heat, 0].forEach((colour, c) => {
      shown[i + c] = heat * colour + (1 - heat) * (120 + grey / 3);
    });
  }
  return shown;
}

function names(label) {
  const has = state.about.attributes.filter((_, i) => label[i]).map(readable);
  return has.length ? has.join(", ") : "none of the attributes";
}

function show() {
  if (!state.drawn) return;
  const changed = at("changed").checked;
  paint(at("after"), changed ? whereItChanged() : state.drawn,
        changed ? "Where the picture has changed"
                : `The picture after the change: ${names(state.label)}`);
  at("after").toBlob((blob) => {
    const link = at("save");
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(blob);
    link.removeAttribute("aria-disabled");
  });
}

function press() {
  for (const button of at("attributes").children) {
    const i = Number(button.dataset.index);
    button.disabled = !state.photo;
    button.setAttribute("aria-pressed", Boolean(state.label?.[i]));
  }
  at("reset").disabled = at("strength").disabled = !state.photo;
  // Where nothing recognizes what a photo has, its owner says so.
  at("own").hidden = !state.photo || Boolean(state.recognizer);
}

// Which attributes exclude each other.
function exclusiveGroups() {
  const { attributes, exclusive, label_rule: rule } = state.about;
  return rule === "exclusive" ? [attributes] : exclusive;
}

async function recognize(photo) {
  const { attributes, label_rule: rule } = state.about;
  if (!state.recognizer) return attributes.map(() => 0);
  const { logits } = await state.recognizer.run({ image: toTensor(photo) });
  const label = Array.from(logits.data, (x) => Number(rule === "exclusive" || x > 0));
  for (const group of exclusiveGroups()) {
    // What an earlier group has switched off does not compete.
    const on = group.map((name) => attributes.indexOf(name)).filter((i) => label[i]);
    const most = Math.max(...on.map((i) => logits.data[i]));
    for (const i of on) if (logits.data[i] < most) label[i] = 0;
  }
  return label;
}

async function draw() {
  // A newer wish overtakes an older one.
  const turn = ++state.turn;
  const { own, label } = state, count = label.length;
  const strength = Number(at("strength").value);
  const wanted = label.map((x, i) => own[i] + strength * (x - own[i]));
  const tensor = (x) => new ort.Tensor("float32", Float32Array.from(x), [1, count]);
  const inputs = { image: toTensor(state.photo), label: tensor(wanted) };
  if (state.generator.inputNames.includes("own")) {
    inputs.own = tensor(own);
    inputs.edits = tensor(label.map((_, i) => Number(state.edits.has(i))));
  }
  const started = performance.now();
  const { picture } = await state.generator.run(inputs);
  if (turn !== state.turn) return;
  state.drawn = fromTensor(picture);
  show();
  say(`Drawn in ${(performance.now() - started).toFixed(0)} ms.`);
}

// Sets or clears an attribute; what excludes it is cleared.
function toggle(i) {
  const { attributes, label_rule: rule } = state.about;
  const label = [...state.label], name = attributes[i];
  if (rule === "exclusive" && label[i]) return;
  label[i] = 1 - label[i];
  if (label[i]) {
    for (const group of exclusiveGroups().filter((x) => x.includes(name))) {
      for (const other of group) {
        if (other !== name) label[attributes.indexOf(other)] = 0;
      }
    }
  }
  state.edits.add(i);
  state.label = label;
  press();
  draw().catch(fail);
}

function reset() {
  state.label = [...state.own];
  state.edits = new Set();
  press();
}

// Takes a photo, unless another is chosen meanwhile.
async function take(file, label, choice = ++state.choice) {
  let photo;
  try {
    photo = await readPhoto(file);
  } catch {
    say(`${file.name ?? "The file"} cannot be read as a picture: choose a JPEG or PNG.`);
    return;
  }
  const own = label ?? await recognize(photo);
  if (choice !== state.choice) return;
  Object.assign(state, { photo, own });
  reset();
  paint(at("before"), state.photo, `The picture before: ${names(state.own)}`);
  await draw();
}

async function takeSample({ file, label }) {
  const choice = ++state.choice;
  await take(await (await fetch(file)).blob(), label, choice);
}

function fail(error) {
  say(`Something went wrong: ${error.message}`);
  console.error(error);
}

function listen() {
  for (const id of ["file", "camera"]) {
    at(id).addEventListener("change", ({ target }) => {
      if (target.files[0]) take(target.files[0]).catch(fail);
      target.value = "";
    });
    // What is chosen before would be lost.
    at(id).disabled = false;
  }
  const drop = at("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      drop.classList.toggle("over", kind === "dragover");
      const file = kind === "drop" && event.dataTransfer.files[0];
      if (file) take(file).catch(fail);
    });
  }
  addEventListener("paste", ({ clipboardData: { files } }) => {
    if (files[0]) take(files[0]).catch(fail);
  });
  at("changed").addEventListener("change", show);
  at("reset").addEventListener("click", () => { reset(); draw().catch(fail); });
  at("own").addEventListener("click", () => {
    state.own = state.label;
    paint(at("before"), state.photo, `The picture before: ${names(state.own)}`);
    reset();
    draw().catch(fail);
  });
  at("strength").addEventListener("input", ({ target }) => {
    at("shown").textContent = Number(target.value).toFixed(1);
    draw().catch(fail);
  });
}

function furnish() {
  const { attributes, samples, note } = state.about;
  attributes.forEach((name, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = readable(name);
    button.dataset.index = i;
    button.addEventListener("click", () => toggle(i));
    at("attributes").append(button);
  });
  for (const { file, label, text } of samples) {
    const button = document.createElement("button"), image = new Image();
    button.type = "button";
    image.src = file;
    image.alt = text;
    button.append(image);
    button.disabled = true;
    button.addEventListener("click", () => takeSample({ file, label }).catch(fail));
    at("samples").append(button);
  }
  at("about").textContent = note;
  press();
}

async function start() {
  ort = await import("./runtime/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("runtime/", document.baseURI).href;
  // More threads need headers that a static host does not send.
  ort.env.wasm.numThreads = 1;
  state.about = await (await fetch("about.json")).json();
  furnish();
  state.generator = await ort.InferenceSession.create("generator.onnx");
  if (state.about.recognizer) {
    state.recognizer = await ort.InferenceSession.create("recognizer.onnx");
  }
  const [first] = state.about.samples;
  if (first) await takeSample(first);
  // Nobody can choose before.
  for (const button of at("samples").children) button.disabled = false;
  listen();
  say(first ? "Ready: change this face, or choose another picture."
            : "Ready: choose a picture.");
  document.body.dataset.ready = "";
}

start().catch(fail);
