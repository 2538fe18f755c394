// The two shipped nets, run by ONNX Runtime Web. Everything is fetched from this
// folder; nothing is ever sent. page.js shows what comes back.

const KEPT = 0.1; // boxes with a smaller score are never shown
const OVERLAP = 0.45; // of two boxes of a class with a larger IoU the weaker goes

const here = (file) => new URL(file, import.meta.url).href;

export async function fetched(file) {
  const answer = await fetch(here(file));
  if (!answer.ok) throw Error(`${file} is not in this copy of the book; run: make book`);
  return answer;
}

const bytes = async (file) => new Uint8Array(await (await fetched(file)).arrayBuffer());

// Fetches the runtime, the graphs and the weights.
export async function open() {
  if (typeof WebAssembly !== "object") {
    throw Error("This browser has no WebAssembly, which the nets need; try another one.");
  }
  const ort = await import("./ort.wasm.bundle.min.mjs").catch(() => {
    throw Error(
      "The runtime is not in this copy of the book: when that was set up, npm was " +
        "missing or could not fetch it. With npm there, run: make book-setup book",
    );
  });
  ort.env.wasm.numThreads = 1; // more would ask for special headers of the server
  ort.env.wasm.wasmPaths = { wasm: here("ort-wasm-simd-threaded.wasm") };
  const facts = await (await fetched("nets.json")).json();
  const load = async (name) => {
    const [graph, data] = [await bytes(`${name}.onnx`), await bytes(facts[name].weights)];
    const externalData = [{ path: facts[name].weights, data }];
    const options = { externalData, logSeverityLevel: 3 };
    return { ort, ...facts[name], session: await ort.InferenceSession.create(graph, options) };
  };
  return {
    segmenter: await load("dilated_fpn_camvid"),
    detector: await load("yolo_harbour"),
  };
}

// Both graphs take the bytes of a canvas, (height, width, 4), as they are. Gives the
// values of an output, and the milliseconds that the net took.
async function ask({ ort, session }, canvas, output) {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const rgba = new ort.Tensor("uint8", new Uint8Array(pixels.buffer), [height, width, 4]);
  const start = performance.now();
  const answer = await session.run({ rgba }, [output]);
  return [answer[output].data, performance.now() - start];
}

// The class of every pixel, row by row.
export const segment = (net, picture) => ask(net, picture, "labels");

// Boxes {box: [x1, y1, x2, y2] in pixels, score, kind, name}, the best first.
export async function detect(net, picture) {
  const { canvas, back } = letterbox(picture, net.size);
  const [rows, milliseconds] = await ask(net, canvas, "rows");
  return [suppress(boxesOf(rows, net.names, back)), milliseconds];
}

// The picture within grey bars at the size of the net, and the way back from there.
function letterbox(picture, [height, width]) {
  const scale = Math.min(height / picture.height, width / picture.width);
  const w = Math.max(1, Math.floor(picture.width * scale + 1e-6));
  const h = Math.max(1, Math.floor(picture.height * scale + 1e-6));
  const left = Math.floor((width - w) / 2);
  const top = Math.floor((height - h) / 2);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "rgb(128 128 128)";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, left, top, w, h);
  const back = (x, y) => [
    ((x * width - left) * picture.width) / w,
    ((y * height - top) * picture.height) / h,
  ];
  return { canvas, back };
}

// A row is cx, cy, w, h in 0 to 1, objectness, and a score for each class.
function boxesOf(rows, names, back) {
  const step = 5 + names.length;
  const boxes = [];
  for (let i = 0; i < rows.length; i += step) {
    const scores = rows.subarray(i + 5, i + step);
    const score = Math.max(...scores);
    if (!(score > KEPT)) continue;
    const [cx, cy, w, h] = rows.subarray(i, i + 4);
    const box = [...back(cx - w / 2, cy - h / 2), ...back(cx + w / 2, cy + h / 2)];
    const kind = scores.indexOf(score);
    boxes.push({ box, score, kind, name: names[kind] });
  }
  return boxes.sort((a, b) => b.score - a.score);
}

// Non-maximum suppression: the best first, and what it covers goes.
function suppress(boxes) {
  const kept = [];
  for (const b of boxes) {
    const rivals = kept.filter((k) => k.kind === b.kind);
    if (rivals.every((k) => iou(k.box, b.box) <= OVERLAP)) kept.push(b);
  }
  return kept;
}

function iou(a, b) {
  const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const [low, high] = [Math.max, Math.min];
  const both = area([low(a[0], b[0]), low(a[1], b[1]), high(a[2], b[2]), high(a[3], b[3])]);
  return both / (area(a) + area(b) - both);
}
