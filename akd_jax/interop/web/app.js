// Translates a photo in the page: an ONNX model, run by onnxruntime-web.

import { watchFrame } from "./frame.js";
import { centre, cut, markEyes, paint, paintChanges, pasted, readPhoto } from "./photo.js";

// At once: a file that is dropped while the network loads would replace the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => event.preventDefault());
}

let ort;
const at = (id) => document.getElementById(id);
const state = { about: null, generator: null, recognizer: null,
                // A canvas, and the square of it that is shown; the one that the
                // network has seen, and its pixels; all of what it has drawn.
                photo: null, frame: null, seen: null, drawn: null,
                // Attributes: known of a sample, had, wished for, touched.
                known: null, own: null, label: null, edits: new Set(),
                // Of photos that were chosen, of squares, and of wishes to be drawn.
                choice: 0, look: 0, turn: 0,
                // The run of the network that goes on; what a new photo calls.
                drawing: null, framed: null };

const readable = (name) => name.replaceAll("_", " ");
const say = (text) => { at("status").textContent = text; };

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

function names(label) {
  const has = state.about.attributes.filter((_, i) => label[i]).map(readable);
  return has.length ? has.join(", ") : "none of the attributes";
}

function show() {
  const { drawn, label, about: { image_size: size } } = state;
  if (!drawn) return;
  if (at("changed").checked) {
    paintChanges(at("after"), drawn.before, drawn.after, size);
    at("after").setAttribute("aria-label", "Where the picture has changed");
  } else {
    paint(at("after"), drawn.photo, drawn.frame, size, drawn);
    at("after").setAttribute("aria-label", `The picture after the change: ${names(label)}`);
  }
  at("save").disabled = false;
}

function showBefore() {
  paint(at("before"), state.photo, state.frame, state.about.image_size);
  at("before").setAttribute("aria-label", `The picture before: ${names(state.own)}`);
}

function showMoving() {
  showBefore();
  if (state.about.eyes) markEyes(at("before"), state.about.eyes);
}

async function save() {
  const { drawn, about: { image_size: size } } = state;
  say("Saving …");
  // Shown before the page is busy.
  await new Promise((done) => setTimeout(done, 50));
  const canvas = pasted(drawn.photo, drawn.frame, size, drawn);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await canvas.convertToBlob());
  link.download = "changed.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say("Saved.");
}

function press() {
  for (const button of at("attributes").children) {
    const i = Number(button.dataset.index);
    button.disabled = !state.photo;
    button.setAttribute("aria-pressed", Boolean(state.label?.[i]));
  }
  for (const id of ["reset", "strength", "closer"]) at(id).disabled = !state.photo;
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
  // One at a time; of those that wait, the newest wish is drawn.
  const turn = ++state.turn;
  await state.drawing?.catch(() => {});
  if (turn !== state.turn) return;
  const { photo, seen, own, label } = state, count = label.length;
  const strength = Number(at("strength").value);
  const wanted = label.map((x, i) => own[i] + strength * (x - own[i]));
  const tensor = (x) => new ort.Tensor("float32", Float32Array.from(x), [1, count]);
  const inputs = { image: toTensor(seen.pixels), label: tensor(wanted) };
  if (state.generator.inputNames.includes("own")) {
    inputs.own = tensor(own);
    inputs.edits = tensor(label.map((_, i) => Number(state.edits.has(i))));
  }
  const started = performance.now();
  state.drawing = state.generator.run(inputs);
  const { picture } = await state.drawing;
  if (turn !== state.turn) return;
  state.drawn = { photo, frame: seen.frame, before: seen.pixels,
                  after: fromTensor(picture) };
  show();
  say(`Drawn in ${(performance.now() - started).toFixed(0)} ms.`);
}

// A label with an attribute set or cleared; what excludes it is cleared.
function withAttribute(label, i, value) {
  const { attributes } = state.about, changed = [...label];
  changed[i] = value;
  if (!value) return changed;
  for (const group of exclusiveGroups().filter((x) => x.includes(attributes[i]))) {
    for (const other of group) {
      if (other !== attributes[i]) changed[attributes.indexOf(other)] = 0;
    }
  }
  return changed;
}

function toggle(i) {
  if (state.about.label_rule === "exclusive" && state.label[i]) return;
  state.label = withAttribute(state.label, i, 1 - state.label[i]);
  state.edits.add(i);
  press();
  draw().catch(fail);
}

function reset() {
  state.label = [...state.own];
  state.edits = new Set();
  press();
}

// Takes a photo, unless another is chosen meanwhile.
async function take(file, known, choice = ++state.choice) {
  const photo = await readPhoto(file);
  if (!photo) {
    say(`${file.name ?? "The file"} cannot be read as a picture: choose a JPEG or PNG.`);
    return;
  }
  const frame = centre(photo, state.about.crop);
  const seen = { frame, pixels: cut(photo, frame, state.about.image_size) };
  const own = known ?? await recognize(seen.pixels);
  if (choice !== state.choice) return;
  Object.assign(state, { photo, frame, seen, own, known, drawn: null });
  at("save").disabled = true;
  state.framed();
  reset();
  showBefore();
  await draw();
}

// Looks at another square of the photo; what was asked for is asked again.
async function look() {
  const turn = ++state.look, { photo, frame, known } = state;
  const seen = { frame, pixels: cut(photo, frame, state.about.image_size) };
  const isKnown = known || !state.recognizer;
  const own = isKnown ? state.own : await recognize(seen.pixels);
  if (photo !== state.photo || turn !== state.look) return;
  const wanted = state.label;
  let label = [...own];
  for (const i of state.edits) label = withAttribute(label, i, wanted[i]);
  Object.assign(state, { seen, own, label });
  press();
  showBefore();
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
  at("save").addEventListener("click", () => save().catch(fail));
  at("own").addEventListener("click", () => {
    state.own = state.label;
    showBefore();
    reset();
    draw().catch(fail);
  });
  at("strength").addEventListener("input", ({ target }) => {
    at("shown").textContent = Number(target.value).toFixed(1);
    draw().catch(fail);
  });
}

function furnish() {
  const { attributes, samples, eyes, note } = state.about;
  if (eyes) {
    at("framing").textContent = "Drag the photo, or use the arrow keys, until the"
      + " eyes lie in the rings, which show while it moves.";
  }
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
  state.framed = watchFrame(
    at("before"), at("closer"), state, state.about.image_size,
    { moved: showMoving, rested: () => look().catch(fail) });
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
