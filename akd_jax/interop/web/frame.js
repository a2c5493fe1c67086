// The square of a photo that is seen, moved and resized by whoever looks at it.

// The smallest square, of the largest; and how long a hand rests, in ms.
const SMALLEST = 1 / 8, REST = 250;

// Moves the square with a finger, a mouse or the arrow keys, and resizes it with
// two fingers, a wheel, or the slider, from 0 (the largest) to 1.
// state: has the photo and its frame; done: what to call meanwhile and after.
export function watchFrame(canvas, closer, state, done) {
  const fingers = new Map();
  let timer;
  const most = () => Math.min(state.photo.width, state.photo.height);
  // Photo's pixels that a pixel of the page shows.
  const scale = () => state.frame.side / canvas.getBoundingClientRect().width;

  function change(frame) {
    const { width, height } = state.photo;
    const side = Math.round(
      Math.min(most(), Math.max(SMALLEST * most(), 8, frame.side)));
    const inside = (first, length) =>
      Math.round(Math.min(length - side, Math.max(0, first)));
    state.frame = { side, left: inside(frame.left, width), top: inside(frame.top, height) };
    closer.value = Math.log(side / most()) / Math.log(SMALLEST);
    done.moved();
    clearTimeout(timer);
    timer = setTimeout(done.rested, REST);
  }

  // dx, dy: in pixels of the page.
  function move(dx, dy) {
    const { left, top, side } = state.frame;
    change({ side, left: left - dx * scale(), top: top - dy * scale() });
  }

  // x, y: what stays where it is, as shares of the square.
  function resize(side, x = 0.5, y = 0.5) {
    const { frame } = state, limited = Math.min(side, most());
    change({ side: limited, left: frame.left + (frame.side - limited) * x,
             top: frame.top + (frame.side - limited) * y });
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!state.photo) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const [other] = [...fingers.values()].filter((x) => x !== before);
    fingers.set(event.pointerId, event);
    if (!other) {
      move(event.clientX - before.clientX, event.clientY - before.clientY);
      return;
    }
    const apart = (x) => Math.hypot(x.clientX - other.clientX, x.clientY - other.clientY);
    resize(state.frame.side * Math.max(apart(before), 1) / Math.max(apart(event), 1));
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, ({ pointerId }) => fingers.delete(pointerId));
  }
  canvas.addEventListener("wheel", (event) => {
    if (!state.photo) return;
    event.preventDefault();
    const { left, top, width, height } = canvas.getBoundingClientRect();
    // Some browsers count lines.
    const turned = event.deltaY * (event.deltaMode ? 16 : 1);
    resize(state.frame.side * 1.002 ** turned,
           (event.clientX - left) / width, (event.clientY - top) / height);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [10, 0], ArrowRight: [-10, 0],
                   ArrowUp: [0, 10], ArrowDown: [0, -10] }[event.key];
    if (!step || !state.photo) return;
    event.preventDefault();
    move(...step);
  });
  closer.addEventListener("input", () => resize(most() * SMALLEST ** closer.value));
}
