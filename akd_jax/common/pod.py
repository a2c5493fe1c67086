"""Processes that do one piece of work together, a pod: they talk, and end.

What they say to each other goes through JAX's coordination service, not through
the devices: waiting there has no limit of its own (Gloo's, on CPUs, is 30 s),
and a process that is lost meanwhile is noticed. A process that fails tells the
others why, and all of them end.
"""

import contextlib
import functools
import itertools
import json
import re
import socket
import sys
import threading
import time
from typing import Any, NoReturn

from akd_jax.common import aborts, signals
from akd_jax.common.errors import UserError, reason_of

# Exit status of those who have lost another process (EX_PROTOCOL).
LOST = 76
# Seconds without a sign of life after which a process counts as lost.
SILENCE = 25
# Seconds until all have to be there, and until those that fail have been heard.
_GATHERING, _HEARING = 300, 5
# Milliseconds that are as good as forever: hours of one process's work.
_FOREVER = 7 * 24 * 3600 * 1000
_FAILED, _HEARD = "akd_jax/failed", "akd_jax/heard/"

_rounds, _tellings = itertools.count(), itertools.count()
# The thread that hears others fail, once all have met.
_listener: list[threading.Thread] = []
# Who has it says the last line, and nobody after.
_last_word = threading.Lock()


def join(
  coordinator: str | None, count: int | None, index: int | None, debug: bool
) -> None:
  """Joins the other processes; from here on all of them end together.

  Args:
    coordinator: HOST:PORT of process 0; None where JAX knows it.
    count: how many processes there are; None where JAX knows it.
    index: which of them this is; None where JAX knows it.
    debug: whether to leave C++'s own words on standard error.

  Raises:
    UserError: nobody says where the others are, or the coordinator has no port
      that can be used.
  """
  import jax

  if coordinator is not None and not re.fullmatch(r".+:\d+", coordinator):
    raise UserError(
      f"--coordinator={coordinator} must be HOST:PORT, such as"
      f" {coordinator}:8476"
    )
  if coordinator is not None and index == 0:
    _check_port(coordinator)
  # It would take SIGTERM from us, and nothing here asks it.
  jax.config.update("jax_enable_preemption_service", False)
  if not debug:
    aborts.explain(functools.partial(_end_for_want_of, coordinator))
  try:
    jax.distributed.initialize(
      coordinator,
      count,
      index,
      initialization_timeout=_GATHERING,
      heartbeat_timeout_seconds=SILENCE,
    )
  except ValueError as error:
    raise UserError(
      f"--distributed: {_one_line(error)} Give --coordinator=HOST:PORT,"
      " --process_count=N and --process_index=0 to N-1"
    ) from error
  _listener.append(
    threading.Thread(target=_listen, args=(_state().client,), daemon=True)
  )
  _listener[0].start()


def _check_port(coordinator: str) -> None:
  """Refuses a port at which process 0 cannot listen, of which JAX crashes.

  Raises:
    UserError: another program has it, or there is no such port.
  """
  try:
    port = int(coordinator.rpartition(":")[2])
    if not port:
      raise OverflowError("port must be 1-65535.")
    with socket.create_server(("", port)):
      pass
  except (OSError, OverflowError, ValueError) as error:
    raise UserError(
      f"--coordinator={coordinator}: process 0 cannot use this port"
      f" ({reason_of(error)}): give all processes another"
    ) from None


def _state() -> Any:
  """JAX's, which has no public way to what is asked of it here."""
  from jax._src import distributed

  return distributed.global_state


def _client() -> Any:
  """The client of the coordination service; None before all have met."""
  return _state().client if _listener else None


def gather(word: Any) -> list[Any]:
  """Returns what each process says, in their order: plain JSON.

  All have to ask together. Takes as long as the last one needs.
  """
  client = _client()
  if client is None:
    return [word]
  now = next(_rounds)
  # Who is here has read what was said before the last time.
  folder, before = (f"akd_jax/round/{n}/" for n in (now, now - 1))
  client.key_value_set(f"{folder}{_state().process_id}", json.dumps(word))
  client.wait_at_barrier(folder, _FOREVER)
  said = {
    int(key.rpartition("/")[2]): json.loads(value)
    for key, value in client.key_value_dir_get(folder)
  }
  if _state().process_id == 0:
    client.key_value_delete(before)
  return [said[index] for index in sorted(said)]


def tell(word: Any) -> Any:
  """Returns what process 0 says: plain JSON. All have to ask together."""
  client = _client()
  if client is None:
    return word
  key = f"akd_jax/said/{next(_tellings)}"
  if _state().process_id == 0:
    client.key_value_set(key, json.dumps(word))
  return json.loads(client.blocking_key_value_get(key, _FOREVER))


def is_joined() -> bool:
  """Whether there is a pod, and this process is one of it."""
  return _client() is not None


def end(status: int, line: str, stream: Any = None) -> NoReturn:
  """Ends this process at once, and the others with the same line and status.

  Args:
    status: of all of them.
    line: what to say.
    stream: where to; standard error by default.
  """
  with _last_word:
    _say(line, stream)
    if client := _client():
      word = [_state().process_id, socket.gethostname(), status, line]
      # Unless another one was first.
      _leave_word(client, _FAILED, json.dumps(word))
      with contextlib.suppress(Exception):
        _hear(client)
    signals.leave(status)


def part(status: int) -> NoReturn:
  """Ends this process when all others have come to their ends, too.

  At once then: threads of the service must not meet an interpreter that ends.
  """
  gather("the end")
  with _last_word:
    _hear(_client())
    signals.leave(status)


def await_cause(error: BaseException | None) -> None:
  """Gives the pod time to say that a process was lost, and to end this one.

  Who computes together with a process that is lost is given errors of its own,
  of connections. They are not the cause.

  Args:
    error: what this process was given.
  """
  while is_joined() and error is not None:
    if type(error).__name__ == "JaxRuntimeError":
      return time.sleep(SILENCE + _HEARING)
    error = error.__cause__ or error.__context__


def _listen(client: Any) -> None:
  """Ends this process when another one fails."""
  try:
    word = client.blocking_key_value_get(_FAILED, _FOREVER)
  except Exception:  # noqa: BLE001 - the pod has ended, or aborts.py says why
    return
  index, host, status, line = json.loads(word)
  if index == _state().process_id:
    return
  with _last_word:
    _say(f"error: process {index} on {host}: {line.removeprefix('error: ')}")
    _hear(client)
    signals.leave(status)


def _hear(client: Any) -> None:
  """Lets all know that this process ends; process 0 is the last to do so.

  The coordination service ends with it, and whoever is left is aborted.
  """
  state = _state()
  _leave_word(client, f"{_HEARD}{state.process_id}", "")
  end = time.monotonic() + _HEARING
  while state.process_id == 0 and time.monotonic() < end:
    if len(client.key_value_dir_get(_HEARD)) == state.num_processes:
      break
    time.sleep(0.05)


def _leave_word(client: Any, key: str, word: str) -> None:
  """Tells all something last, as far as there is somebody left to hear it.

  The service ends with process 0. Who asks it just then is given an error, or
  waits for its answer forever.
  """

  def tell() -> None:
    with contextlib.suppress(Exception):
      client.key_value_set(key, word)

  telling = threading.Thread(target=tell, daemon=True)
  telling.start()
  telling.join(_HEARING)


def _end_for_want_of(coordinator: str | None, index: int | None) -> None:
  """Ends this process where another is lost; not while that is being said."""
  who = "another process" if index is None else f"process {index}"
  with _last_word:
    if _listener:
      _say(
        f"error: {who} of the pod was lost (killed, or its host or network"
        " failed): the same command goes on from the last checkpoint"
      )
    else:
      _say(
        f"error: --distributed: not all processes came within {_GATHERING} s:"
        f" were all started, and is --coordinator={coordinator} right?"
      )
    signals.leave(LOST)


def _say(line: str, stream: Any = None) -> None:
  """Writes the last line: not print, which the main thread may be in."""
  signals.say((stream or sys.stderr).fileno(), line)


def _one_line(error: Exception) -> str:
  return " ".join(str(error).split())[:200]
