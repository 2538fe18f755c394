// The page of the nets: takes a picture, asks nets.js, shows labels and boxes.

import { detect, fetched, open, segment } from "./nets.js";

const LONGEST = 480; // px: larger pictures are shrunk, the net learnt on 480 x 360
const SMALLEST = 32; // px: the coarsest map of the net has a stride of 16
const FINE = 1024; // px: the least width of the canvas with boxes and words
const CROWD = 12; // with more boxes only their numbers are written on the picture
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

const page = document.getElementById("nets");
const at = (name) => page.querySelector(`[data-part="${name}"]`);
const tell = (text) => (at("status").textContent = text);

let nets = null; // promised once, with the first picture
let shown = null; // the answer on the page: picture, layer of labels, shares, boxes
let queue = Promise.resolve(); // pictures are answered one after another

async function answer(file, name) {
  tell(`Reading ${name} …`);
  const picture = await read(file, name);
  const { segmenter, detector } = await opened();
  tell(`Asking the nets about ${name} …`);
  await new Promise((done) => setTimeout(done, 30)); // lets this line appear
  const [labels, first] = await segment(segmenter, picture);
  const [boxes, second] = await detect(detector, picture);
  shown = { picture, boxes, ...painted(picture, labels, segmenter) };
  at("answer").hidden = false;
  showLabels();
  showBoxes();
  tell(`${name}: labels took ${Math.round(first)} ms, boxes ${Math.round(second)} ms.`);
  const detail = { labels, boxes, milliseconds: [first, second] };
  page.dispatchEvent(new CustomEvent("answered", { detail })); // for the tests
}

function opened() {
  if (!nets) tell("Fetching runtime and nets, 19 MB, from this book's own address …");
  nets ??= open().catch((error) => {
    nets = null; // the next picture tries again
    throw error;
  });
  return nets;
}

async function read(file, name) {
  const image = await createImageBitmap(file).catch(() => {
    throw Error(`${name} is no picture that this browser reads; take a JPEG, PNG or WebP.`);
  });
  const scale = Math.min(1, LONGEST / Math.max(image.width, image.height));
  const sides = [image.width, image.height].map((side) => Math.round(side * scale));
  if (Math.min(...sides) < SMALLEST) {
    const found = `${image.width} x ${image.height} pixels`;
    throw Error(`${name} has ${found}, too narrow for the nets; take another one.`);
  }
  const [canvas, pen] = canvasOf(...sides);
  pen.fillStyle = "white"; // behind what is transparent
  pen.fillRect(0, 0, ...sides);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, ...sides);
  return canvas;
}

function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
}

// The labels in the colours of their classes, and the share of each class.
function painted(picture, labels, { names, palette }) {
  const [layer, pen] = canvasOf(picture.width, picture.height);
  const image = pen.createImageData(picture.width, picture.height);
  const pixels = new Uint32Array(image.data.buffer); // bytes: red, green, blue, opacity
  const paints = palette.map(([r, g, b]) => r + (g << 8) + (b << 16) + 0xff000000);
  const counts = names.map(() => 0);
  labels.forEach((id, i) => {
    counts[id] += 1;
    pixels[i] = paints[id];
  });
  pen.putImageData(image, 0, 0);
  const shares = counts.map((count, id) => {
    const share = count / labels.length;
    return { colour: `rgb(${palette[id]})`, name: names[id], share };
  });
  return { layer, shares: shares.filter((c) => c.share).sort((a, b) => b.share - a.share) };
}

function showLabels() {
  at("opacity-now").textContent = `${at("opacity").value} %`;
  const pen = onto("labels", 1);
  pen.globalAlpha = Number(at("opacity").value) / 100;
  pen.drawImage(shown.layer, 0, 0);
  const percent = (x) => (x < 0.01 ? "<\u00a01\u00a0%" : `${Math.round(100 * x)}\u00a0%`);
  const words = shown.shares.map(({ name, share }) => `${name} ${percent(share)}`);
  list("legend", shown.shares.map(({ colour }, i) => [colour, words[i]]));
  at("labels").ariaLabel = `The picture with labels: ${words.join(", ")}`;
}

function showBoxes() {
  const least = Number(at("threshold").value) / 100;
  at("threshold-now").textContent = least.toFixed(2);
  const found = shown.boxes.filter((b) => b.score > least);
  const words = found.map(({ name, score }, i) => `${i + 1} ${name} ${score.toFixed(2)}`);
  const pen = onto("boxes", Math.ceil(FINE / shown.picture.width));
  for (const { box, kind } of found) frame(pen, box, COLOURS[kind]);
  found.forEach(({ box }, i) => write(pen, box, found.length > CROWD ? i + 1 : words[i]));
  list("found", found.map(({ kind }, i) => [COLOURS[kind], words[i]]));
  at("none").hidden = found.length > 0;
  at("boxes").ariaLabel = `The picture with boxes: ${words.join(", ") || "none"}`;
}

function frame(pen, box, colour) {
  const [x1, y1, x2, y2] = inCanvas(pen, box);
  pen.lineWidth = pen.canvas.width / 250;
  pen.strokeStyle = colour;
  pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
}

function write(pen, box, word) {
  const high = pen.canvas.width / 28;
  const [x, y] = [inCanvas(pen, box)[0], Math.max(inCanvas(pen, box)[1], high)];
  pen.font = `bold ${0.9 * high}px sans-serif`;
  pen.fillStyle = "rgb(0 0 0 / 0.75)";
  pen.fillRect(x, y - high, pen.measureText(word).width + 0.3 * high, high);
  pen.fillStyle = "white";
  pen.fillText(word, x + 0.15 * high, y - 0.2 * high);
}

function inCanvas(pen, box) {
  return box.map((side) => (side * pen.canvas.width) / shown.picture.width);
}

function onto(part, scale) {
  const canvas = at(part);
  canvas.width = shown.picture.width * scale;
  canvas.height = shown.picture.height * scale;
  const pen = canvas.getContext("2d");
  pen.drawImage(shown.picture, 0, 0, canvas.width, canvas.height);
  return pen;
}

function list(part, entries) {
  const lines = entries.map(([colour, text]) => {
    const line = document.createElement("li");
    const patch = document.createElement("span");
    patch.style.background = colour;
    line.append(patch, text);
    return line;
  });
  at(part).replaceChildren(...lines);
}

function take(name, get) {
  queue = queue
    .then(async () => answer(await get(), name))
    .catch((error) => tell(error.message));
}

at("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) take(file.name, () => file);
  target.value = ""; // the same file may be chosen again
});
for (const button of page.querySelectorAll("button[data-picture]")) {
  const { picture } = button.dataset;
  const load = async () => (await fetched(picture)).blob();
  button.addEventListener("click", () => take(picture, load));
}
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) take(file.name, () => file);
  else tell("That was no file; drop a picture from a folder, or choose one.");
});
at("opacity").addEventListener("input", () => shown && showLabels());
at("threshold").addEventListener("input", () => shown && showBoxes());
tell("Ready: take a picture.");
