"""The exported page changes a real file in a browser as JAX does."""

import base64
import contextlib
import functools
import hashlib
import http.client
import http.server
import io
import json
import pathlib
import shutil
import subprocess
import tarfile
import threading
import urllib.request

import numpy as np
import pytest
from PIL import Image

import akd_jax
from akd_jax.common.errors import UserError
from akd_jax.data import pipeline
from akd_jax.data.photos.frames import CELEBA
from akd_jax.data.photos.images import open_image, to_square
from akd_jax.evaluation import recognition
from akd_jax.evaluation.familiarity import score_pictures
from akd_jax.inference import web
from akd_jax.interop import npm
from akd_jax.training import run_dir

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Drives the page as a visitor does, and tells the server what is to be seen.
DRIVER = """
<link rel="icon" href="data:,">
<iframe id="page" src="/index.html" width="400" height="1200"></iframe>
<script type="module">
const wait = async (what) => {
  for (let i = 0; i < 600 && !what(); i++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  if (!what()) throw new Error(`never came: ${what}`);
};
const told = (value) => fetch(
  "/told", {method: "POST", body: JSON.stringify(value)});
const frame = document.getElementById("page");
try {
  // The network is held back until this is told.
  const inputs = () => [
    ...frame.contentDocument.querySelectorAll("input[type=file]")];
  const isDropTaken = () => inputs().length
    && !frame.contentDocument.body.dispatchEvent(
      new frame.contentWindow.DragEvent(
        "drop", {bubbles: true, cancelable: true}));
  await wait(isDropTaken);
  const early = inputs().map((x) => x.disabled);
  await fetch("/early", {method: "POST", body: JSON.stringify(early)});
  await wait(() => frame.contentDocument?.body?.dataset.ready !== undefined);
  const page = frame.contentDocument;
  const status = () => page.getElementById("status").textContent;
  const photo = await (await fetch("/photo.jpg")).blob();
  const files = new DataTransfer();
  files.items.add(new File([photo], "photo.jpg", {type: "image/jpeg"}));
  const input = page.getElementById("file");
  const late = inputs().map((x) => x.disabled);
  input.files = files.files;
  input.dispatchEvent(new frame.contentWindow.Event("change"));
  const canvas = page.getElementById("after");
  const description = () => canvas.getAttribute("aria-label");
  await wait(() => status().startsWith("Drawn in"));
  const buttons = [...page.querySelectorAll("#attributes button")];
  const pressed = () => buttons.map(
    (x) => x.getAttribute("aria-pressed") === "true");
  const own = pressed();
  buttons[1].click();
  await wait(() => pressed()[1] !== own[1]);
  await wait(() => description().includes(buttons[1].textContent) !== own[1]);
  const pixels = (canvas) => [...canvas.getContext("2d").getImageData(
    0, 0, canvas.width, canvas.height).data];
  const drawn = pixels(canvas), size = canvas.width;
  // What is saved: the page hands it over as a file.
  const saved = new Promise((done) => {
    frame.contentWindow.URL.createObjectURL = (blob) => {
      done(blob);
      return "data:,";
    };
  });
  page.getElementById("save").click();
  const whole = await createImageBitmap(await saved);
  const copy = new OffscreenCanvas(whole.width, whole.height);
  copy.getContext("2d").drawImage(whole, 0, 0);
  const file = {width: whole.width, pixels: pixels(copy)};
  // Nearer, and then to the left, by the keyboard: nothing that was asked for
  // is lost, and another square is seen.
  const closer = page.getElementById("closer");
  const before = page.getElementById("before");
  const wanted = pressed();
  closer.value = 0.2;
  closer.dispatchEvent(new frame.contentWindow.Event("input"));
  // As slowly as a hand moves: less than a pixel of the photo each time.
  const point = (kind, x) => before.dispatchEvent(
    new frame.contentWindow.PointerEvent(
      kind, {pointerId: 1, clientX: x, clientY: 0, buttons: 1}));
  before.setPointerCapture = () => {};
  point("pointerdown", 0);
  for (let x = 1; x <= 20; x++) point("pointermove", x);
  point("pointerup", 20);
  const moved = 20 * before.width / before.getBoundingClientRect().width;
  before.dispatchEvent(new frame.contentWindow.KeyboardEvent(
    "keydown", {key: "ArrowLeft"}));
  await wait(() => canvas.width === before.width && canvas.width < size);
  const nearer = {
    size: canvas.width, before: pixels(before), after: pixels(canvas),
    wanted: pressed()[1] === wanted[1], moved: 1.5 * moved,
  };
  page.getElementById("changed").click();
  await told({
    early, late,
    own, wanted, drawn, size, status: status(), file, nearer,
    names: buttons.map((x) => x.textContent), changed: description(),
    asked: page.getElementById("own").checkVisibility(),
    unnamed: page.querySelectorAll(
      "img:not([alt]), canvas:not([aria-label])").length,
    excess: page.documentElement.scrollWidth
      - page.documentElement.clientWidth,
  });
} catch (error) {
  await told({error: `${error} ${frame.contentDocument?.body?.innerText}`});
}
</script>
"""


class Host(http.server.SimpleHTTPRequestHandler):
  """A static host that also hears what the driver tells."""

  asked: list[str] = []
  told: list[dict] = []
  heard = threading.Event()
  early = threading.Event()

  def do_GET(self):
    self.asked.append(self.path)
    if self.path == "/generator.onnx":
      self.early.wait(60)
    super().do_GET()

  def do_POST(self):
    size = int(self.headers["Content-Length"])
    content = json.loads(self.rfile.read(size))
    self.send_response(204)
    self.end_headers()
    if self.path == "/early":
      self.early.set()
      return
    self.told.append(content)
    self.heard.set()

  def log_message(self, *_):
    pass


@contextlib.contextmanager
def hosting(folder):
  handler = functools.partial(Host, directory=str(folder))
  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  try:
    yield f"http://127.0.0.1:{server.server_port}"
  finally:
    server.shutdown()
    server.server_close()


@pytest.fixture(name="tarball")
def fixture_tarball():
  """onnxruntime-web from the user's own cache: tests download nothing."""
  path = pathlib.Path.home() / ".cache/akd_jax/npm" / web.ONNXRUNTIME.file
  if not path.exists():
    pytest.skip(f"{path} is not there: export --format=web downloads it")
  return str(path)


def write_photo(path, run):
  """A photo of another size and shape, as a camera writes it: a JPEG.

  Half of the face has black hair and half of it grey, which exclude each other.
  """
  people = pipeline.open_source(run.config.data, "test")
  black, grey = (people[i]["image"] for i in (2, 5))
  face = Image.fromarray(np.hstack([black[:, :32], grey[:, 32:]]))
  photo = Image.new("RGB", (211, 150))
  photo.paste(face.resize((150, 150)), (30, 0))
  photo.save(path, quality=92, subsampling=0)


def discriminator_of(run, photo):
  """Returns what the discriminator says of a photo, as names."""
  square = to_square(open_image(str(photo)), 0, run.config.data.image_size)
  logits = score_pictures(run.model, square[None])[1][0]
  return {name for name, x in zip(run.attributes, logits, strict=True) if x > 0}


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_the_page_draws_what_jax_draws(tarball, tmp_path, monkeypatch):
  folder = tmp_path / "page"
  run = run_dir.load_run("pretrained:avatars")
  run.config.data.sizes = {"train": 8, "validation": 8, "test": 8}
  web.export_web(run, str(folder), tarball)
  photo = folder / "photo.jpg"
  write_photo(photo, run)
  assert {"Black_Hair", "Gray_Hair"} <= discriminator_of(run, photo)
  (folder / "driver.html").write_text(DRIVER)
  with hosting(folder) as address:
    browser = subprocess.Popen(
      [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
        "--disable-background-networking", "--mute-audio",
        f"--user-data-dir={tmp_path}/chromium", f"{address}/driver.html",
      ],
      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
      assert Host.heard.wait(60), "the page has not answered"
    finally:
      browser.kill()
      browser.wait()
  (found,) = Host.told
  assert "error" not in found, found
  # Nothing is chosen or dropped in vain while the network loads.
  assert found["early"] == [True, True] and found["late"] == [False, False]
  # As in the page, where the discriminator says what a photo has.
  monkeypatch.setattr(recognition, "find_classifier", lambda _: None)
  model = akd_jax.load("pretrained:avatars")
  assert found["names"] == [x.replace("_", " ") for x in model.attributes]
  own = np.array([found["own"]], np.float32)
  name = model.attributes[1]
  wanted = {name: int(not own[0, 1])}
  whole = model.translate(str(photo), wanted, own=own, crop="none").astype(int)
  width = found["file"]["width"]
  saved = np.reshape(found["file"]["pixels"], (-1, width, 4))[..., :3]
  assert saved.shape == whole.shape
  assert np.abs(saved - whole).max() <= 2
  # The square is shown as it is saved, but for where it fades.
  drawn = np.reshape(found["drawn"], (found["size"], found["size"], 4))
  inside = slice(20, -20)
  shown = drawn[:, inside, :3]
  assert np.abs(shown - whole[:, 30:180][:, inside]).max() <= 2
  nearer = found["nearer"]
  assert nearer["wanted"] and nearer["size"] == round(150 * (64 / 150) ** 0.2)
  before, after = (
    np.reshape(nearer[x], (nearer["size"], nearer["size"], 4))[..., :3]
    for x in ("before", "after")
  )
  assert np.abs(before - after).max() > 20
  # It lies in the middle of the height, and to the left of that of the width.
  side = nearer["size"]
  top, middle = (150 - side + 1) // 2, (211 - side) // 2
  with Image.open(photo) as original:
    strip = np.asarray(original)[top : top + side].astype(int)
  apart = [
    np.abs(strip[:, left : left + side] - before).mean()
    for left in range(middle + 1)
  ]
  assert min(apart) < 1
  assert abs(middle - np.argmin(apart) - nearer["moved"]) <= 1
  # It starts from what the discriminator sees.
  assert found["own"] == [bool(x) for x in model.recognize(str(photo)).values()]
  assert found["unnamed"] == 0 and found["excess"] == 0
  # Who recognizes does not ask.
  assert not found["asked"]
  assert found["changed"] == "Where the picture has changed"
  written = {f"/{x.relative_to(folder)}" for x in folder.rglob("*")}
  assert set(Host.asked) <= written


def test_the_page_knows_where_eyes_are_to_be(tarball):
  run = run_dir.load_run("pretrained:avatars")
  run.config.data.sizes = {"train": 8, "validation": 8, "test": 8}
  for framing, eyes in ((None, None), (CELEBA, CELEBA._asdict())):
    files = web.build_page(run, tarball, framing)
    assert json.loads(files["about.json"])["eyes"] == eyes


def test_a_package_that_is_another_is_refused(tmp_path):
  (tmp_path / "other.tgz").write_bytes(b"other")
  with pytest.raises(UserError, match="is not onnxruntime-web 1.30.0, or dam"):
    npm.read_files(web.ONNXRUNTIME, [], str(tmp_path / "other.tgz"))


@pytest.mark.parametrize(
  "error", [OSError("no network"), http.client.IncompleteRead(b"half")]
)
def test_without_a_network_the_tarball_is_asked_for(
  tmp_path, monkeypatch, error
):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

  def fail(*_, **__):
    raise error

  monkeypatch.setattr(urllib.request, "urlopen", fail)
  with pytest.raises(UserError, match="give --onnxruntime=FILE$"):
    npm.read_files(web.ONNXRUNTIME, [])


def answer_with(monkeypatch, content):
  answer = contextlib.closing(io.BytesIO(content))
  monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: answer)


def test_another_answer_of_the_registry_is_no_package(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  answer_with(monkeypatch, b"sign in here")
  with pytest.raises(UserError, match=r"^what came from https.*onnxruntime="):
    npm.read_files(web.ONNXRUNTIME, [])


def test_a_package_that_cannot_be_kept_is_used(monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
  stream = io.BytesIO()
  with tarfile.open(fileobj=stream, mode="w:gz") as archive:
    member = tarfile.TarInfo("package/a.js")
    member.size = 2
    archive.addfile(member, io.BytesIO(b"hi"))
  content = stream.getvalue()
  sha512 = base64.b64encode(hashlib.sha512(content).digest()).decode()
  answer_with(monkeypatch, content)
  package = npm.Package("one", "1.0", sha512)
  assert npm.read_files(package, ["a.js"]) == {"a.js": b"hi"}


@pytest.mark.parametrize("about", ["", "[]", '{"name": "my page"}'])
def test_a_page_of_somebody_else_s_stays(tmp_path, about):
  (tmp_path / "about.json").write_text(about)
  (tmp_path / "index.html").write_text("my page")
  with pytest.raises(UserError, match="holds other files"):
    web.export_web(None, str(tmp_path))
  assert (tmp_path / "index.html").read_text() == "my page"


def test_a_page_of_ours_may_be_written_anew(tmp_path, monkeypatch):
  run = run_dir.load_run("pretrained:avatars")
  page = {"about.json": b'{"attributes": [], "recognizer": true, "samples": [],'
                        b' "note": ""}', "index.html": b"page"}  # fmt: skip
  monkeypatch.setattr(web, "build_page", lambda *_: page)
  for _ in range(2):
    assert len(web.export_web(run, str(tmp_path / "page"))) == 2


def test_a_folder_of_other_files_stays(tmp_path):
  (tmp_path / "mine.txt").write_text("")
  with pytest.raises(UserError, match="holds other files"):
    web.export_web(None, str(tmp_path))
  (tmp_path / "file").write_text("")
  with pytest.raises(UserError, match="is a file: name a folder"):
    web.export_web(None, str(tmp_path / "file"))
