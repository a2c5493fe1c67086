// A photo in canvases: read, cut, shown, and put together again.

import { fading, paste, resize } from "./pixels.js";

// Pixels that a canvas holds in browsers on phones; and the side of what is shown.
const LARGEST = 2 ** 24, SHOWN = 512;

const contextOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

// A photo, upright, on white, in the colours of all screens (sRGB): a canvas.
export async function readPhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
  const scale = Math.min(1, Math.sqrt(LARGEST / (bitmap.width * bitmap.height)));
  const width = Math.max(1, Math.floor(scale * bitmap.width));
  const height = Math.max(1, Math.floor(scale * bitmap.height));
  const canvas = new OffscreenCanvas(width, height), context = contextOf(canvas);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas;
}

// The centre of a photo, as in training.
export function centre({ width, height }, crop) {
  const most = Math.min(width, height);
  // A crop fits the photos of the training: of a large one it is a nose.
  const side = crop && 2 * crop >= most ? Math.min(crop, most) : most;
  return { left: Math.floor((width - side) / 2),
           top: Math.floor((height - side) / 2), side };
}

// What a network sees of a photo: RGB [size, size, 3].
export function cut(photo, { left, top, side }, size) {
  const { data } = contextOf(photo).getImageData(left, top, side, side);
  const pixels = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = data[4 * i + c];
  }
  return resize(pixels, side, side, size);
}

// Shows a square of a photo, translated if `drawn` has what a network of `size`
// pixels saw, before, and made of it, after: RGB each.
export function paint(canvas, photo, frame, size, drawn) {
  const side = Math.min(frame.side, SHOWN), context = contextOf(canvas);
  canvas.width = canvas.height = side;
  canvas.classList.toggle("coarse", side < 2 * size);
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, frame.left, frame.top, frame.side, frame.side, 0, 0, side, side);
  if (!drawn) return;
  const image = context.getImageData(0, 0, side, side);
  paste(image.data, side, drawn.before, drawn.after, size);
  context.putImageData(image, 0, 0);
}

// Marks where the eyes are to be, as shares of what is shown.
export function markEyes(canvas, { x, y, apart }) {
  const context = contextOf(canvas), side = canvas.width;
  for (const [colour, width] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = (width * side) / SHOWN;
    for (const eye of [x - apart / 2, x + apart / 2]) {
      context.beginPath();
      context.arc(eye * side, y * side, 0.06 * side, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

// Shows a picture, faint, with what has changed in the accent's yellow to red.
export function paintChanges(canvas, before, after, size) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    let change = 0, grey = 0;
    for (let c = 0; c < 3; c++) {
      change += Math.abs(before[3 * i + c] - after[3 * i + c]) / 255;
      grey += before[3 * i + c] / 3;
    }
    const heat = Math.min(1, change);
    [255, 210 - 170 * heat, 0].forEach((colour, c) => {
      image.data[4 * i + c] = heat * colour + (1 - heat) * (120 + grey / 3);
    });
    image.data[4 * i + 3] = 255;
  }
  canvas.width = canvas.height = size;
  canvas.classList.add("coarse");
  contextOf(canvas).putImageData(image, 0, 0);
}

// The whole photo with its square translated: a canvas.
export function pasted(photo, frame, size, { before, after }) {
  const { width, height } = photo, { left, top, side } = frame;
  const canvas = new OffscreenCanvas(width, height), context = contextOf(canvas);
  context.drawImage(photo, 0, 0);
  const image = context.getImageData(left, top, side, side);
  paste(image.data, side, before, after, size, fading(frame, width, height));
  context.putImageData(image, left, top);
  return canvas;
}
