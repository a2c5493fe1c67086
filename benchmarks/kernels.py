"""Where a device's time goes, by JAX's own profiler."""

import collections
import pathlib
import tempfile

import jax

# The longest that are kept.
KEPT = 40


def profile(unit, repeat):
  """Traces a unit of work (worker.Unit) and returns `summary` of it."""
  with tempfile.TemporaryDirectory() as folder:
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    jax.profiler.start_trace(folder, profiler_options=options)
    for _ in range(repeat):
      unit.start()
    unit.wait()
    jax.profiler.stop_trace()
    (path,) = pathlib.Path(folder).rglob("*.xplane.pb")
    data = jax.profiler.ProfileData.from_file(str(path))
  return summary(list(events(data)), repeat)


def events(data):
  """Yields (name, operator, start, duration in ns) of what the device ran.

  A GPU's kernels lie on its streams (its other lines tell the same by other
  names), a TPU's operators on a line of theirs, a CPU's among all else that
  its threads did.

  Args:
    data: jax.profiler.ProfileData.
  """
  devices = [plane for plane in data.planes if "/device:" in plane.name]
  for start in ("Stream", "XLA Ops"):
    lines = [x for d in devices for x in d.lines if x.name.startswith(start)]
    if lines:
      break
  else:
    lines = [x for plane in data.planes for x in plane.lines]
  for line in lines:
    for event in line.events:
      operator = dict(event.stats).get("hlo_op")
      if devices or operator:
        yield event.name, operator, event.start_ns, event.duration_ns


def summary(events, repeat):
  """What takes how long, in ms of a unit.

  Returns:
    `busy_share` of the time between the first event and the last, `launches`
    of a unit and its longest `kernels`: name, operators, ms, share of all
    events' time, launches.
  """
  if not events:
    raise ValueError("the trace holds no event of the device")
  total = sum(duration for *_, duration in events)
  times, operators = collections.defaultdict(list), {}
  for name, operator, _, duration in events:
    times[name].append(duration)
    operators.setdefault(name, collections.Counter())[operator] += duration
  longest = sorted(times, key=lambda name: -sum(times[name]))[:KEPT]
  return {
    "busy_share": round(_covered(events) / _span(events), 3),
    "events_ms": round(total / repeat / 1e6, 3),
    "launches": round(len(events) / repeat),
    "kernels": [
      {
        "name": name,
        "operators": [x for x, _ in operators[name].most_common(3) if x],
        "ms": round(sum(times[name]) / repeat / 1e6, 4),
        "share": round(sum(times[name]) / total, 3),
        "launches": round(len(times[name]) / repeat, 1),
      }
      for name in longest
    ],
  }


def _span(events):
  start = min(start for _, _, start, _ in events)
  return max(s + duration for _, _, s, duration in events) - start


def _covered(events):
  """Nanoseconds in which at least one event runs."""
  covered, end = 0, 0
  for _, _, start, duration in sorted(events, key=lambda event: event[2]):
    covered += max(0, start + duration - max(start, end))
    end = max(end, start + duration)
  return covered
