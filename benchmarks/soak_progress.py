"""How far a soak is: kept in a file, so that the same command goes on."""

import json
import pathlib
import sys
import time


class Progress:
  """What a soak has counted, and how long it will take.

  Attributes:
    state: plain JSON; `save` keeps it.
  """

  def __init__(self, options, start):
    """Reads the state that the same seed has left, or begins with `start`."""
    self._path = pathlib.Path(
      options.folder, f"{options.what}_{options.seed}.json"
    )
    self._path.parent.mkdir(parents=True, exist_ok=True)
    self._wanted = options.count
    self._began = time.monotonic()
    self._first = None
    self.state = start
    if self._path.exists():
      self.state = json.loads(self._path.read_text())

  def save(self):
    temporary = self._path.with_suffix(".unfinished")
    temporary.write_text(json.dumps(self.state))
    temporary.replace(self._path)

  def goes_on(self, done, kinds=1):
    """Whether there are fewer than are wanted, of each kind; says the rest."""
    wanted = self._wanted * kinds
    if self._first is None:
      self._first = done
    text = f"{done:,}/{wanted:,}"
    if done > self._first:
      rate = (time.monotonic() - self._began) / (done - self._first)
      text += f", about {rate * (wanted - done) / 60:.0f} min left"
    print(text, file=sys.stderr, flush=True)
    return done < wanted
