// The square of a photo that is seen, moved and resized by whoever looks at it.

// The smallest square, as a share of the largest; and for how long a hand has to
// rest, in ms.
const SMALLEST = 1 / 8, REST = 250;

// Moves the square with a finger, a mouse or the arrow keys, and resizes it with
// two fingers, a wheel, or the slider, from 0 (the largest) to 1.
// state: has the photo and its frame; size: of the network's pictures; done: what
// to call meanwhile and after. Returns what is to be called with a new photo.
export function watchFrame(canvas, closer, state, size, done) {
  const fingers = new Map();
  // The frame in fractions: each step of a slow hand is less than a pixel.
  let exact, timer;
  const most = () => Math.min(state.photo.width, state.photo.height);
  const least = () => Math.min(most(), Math.max(size, SMALLEST * most()));
  // Photo's pixels that a pixel of the page shows.
  const scale = () => exact.side / canvas.getBoundingClientRect().width;

  function setSlider() {
    closer.value = most() > least()
      ? Math.log(exact.side / most()) / Math.log(least() / most()) : 0;
    say();
  }

  function say() {
    const shown = Math.round(100 * exact.side / most());
    closer.setAttribute("aria-valuetext", `shows ${shown} % of the photo's shorter side`);
  }

  function change({ left, top, side: wanted }) {
    const { width, height } = state.photo;
    const limit = (x, length) => Math.min(length, Math.max(0, x));
    const side = Math.min(most(), Math.max(least(), wanted));
    exact = { side, left: limit(left, width - side), top: limit(top, height - side) };
    const whole = Math.round(side);
    const frame = { side: whole, left: Math.round(limit(left, width - whole)),
                    top: Math.round(limit(top, height - whole)) };
    if (Object.keys(frame).every((key) => frame[key] === state.frame[key])) return;
    state.frame = frame;
    done.moved();
    clearTimeout(timer);
    timer = setTimeout(done.rested, REST);
  }

  // dx, dy: in pixels of the page.
  function move(dx, dy) {
    change({ side: exact.side, left: exact.left - dx * scale(),
             top: exact.top - dy * scale() });
  }

  // x, y: what stays where it is, as shares of the square.
  function resize(wanted, x = 0.5, y = 0.5) {
    const side = Math.min(most(), Math.max(least(), wanted));
    change({ side, left: exact.left + (exact.side - side) * x,
             top: exact.top + (exact.side - side) * y });
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!state.photo || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before || !event.buttons) {
      fingers.delete(event.pointerId);
      return;
    }
    fingers.set(event.pointerId, event);
    const [other] = [...fingers.values()].filter((x) => x !== event);
    const moved = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!other) {
      move(...moved);
      return;
    }
    const apart = (x) => Math.max(
      1, Math.hypot(x.clientX - other.clientX, x.clientY - other.clientY));
    // The middle between two fingers moves half as far as one of them.
    move(...moved.map((x) => x / 2));
    const { left, top, width, height } = canvas.getBoundingClientRect();
    resize(exact.side * apart(before) / apart(event),
           ((event.clientX + other.clientX) / 2 - left) / width,
           ((event.clientY + other.clientY) / 2 - top) / height);
    setSlider();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(kind, ({ pointerId }) => fingers.delete(pointerId));
  }
  canvas.addEventListener("wheel", (event) => {
    // Elsewhere a wheel moves the page, and so it does over a photo that is not used.
    if (!state.photo || !(event.ctrlKey || document.activeElement === canvas)) return;
    event.preventDefault();
    const { left, top, width, height } = canvas.getBoundingClientRect();
    // Some browsers count lines.
    const turned = event.deltaY * (event.deltaMode ? 16 : 1);
    resize(exact.side * 1.002 ** turned,
           (event.clientX - left) / width, (event.clientY - top) / height);
    setSlider();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [10, 0], ArrowRight: [-10, 0],
                   ArrowUp: [0, 10], ArrowDown: [0, -10] }[event.key];
    if (!step || !state.photo) return;
    event.preventDefault();
    move(...step);
  });
  closer.addEventListener("input", () => {
    resize(most() * (least() / most()) ** closer.value);
    say();
  });
  return () => {
    clearTimeout(timer);
    fingers.clear();
    exact = { ...state.frame };
    setSlider();
  };
}
