# SPDX-License-Identifier: MIT
# Where a build's time went: sums that are sums, spans that lie within each other, and the same image.
. "$(dirname "$0")/../lib.sh"
image_needed
have "timings" python3 || exit 0

build_timed() { build --out "$WORK/out" --json --timings --trace "$WORK/trace.json" "$@" >"$WORK/events"; }
timings() { # EXPRESSION over the event t, and over the trace's complete events by thread
	python3 -c '
import json, sys
t = [e for e in map(json.loads, open(sys.argv[1])) if e["event"] == "timings"][-1]
trace = {}
for e in json.load(open(sys.argv[2]))["traceEvents"]:
    if e["ph"] == "X":
        trace.setdefault(e["tid"], []).append(e)
def nested(spans):
    ends = []
    for s in sorted(spans, key=lambda s: (s["ts"], -s["dur"])):
        while ends and ends[-1] <= s["ts"]:
            ends.pop()
        if ends and s["ts"] + s["dur"] > ends[-1]:
            return False
        ends.append(s["ts"] + s["dur"])
    return True
sys.exit(not eval(sys.argv[3]))' "$WORK/events" "$WORK/trace.json" "$1"
}

check "build with timings" build_timed -j 3
same_image "the same image" "$WORK/out"
check "stages and what is outside of them are the whole" timings \
	'abs(sum(s["seconds"] for s in t["stages"]) + t["outside-of-stages"]["seconds"] - t["seconds"]) < 0.02'
check "no stage takes less than nothing, nor does the outside" timings \
	'min(s["seconds"] for s in t["stages"] + [t["outside-of-stages"]]) >= 0'
check "threads are busy for as long as there was processor time, at most" timings \
	'0 < sum(s["busy-seconds"] for s in t["threads"]) <= t["processor-seconds"] + 0.02'
check "what is done once is counted once" timings '[s["times"] for s in t["spans"] if s["span"] == "manifest"] == [1]'
check "spans of a thread lie within each other or apart" timings 'len(trace) >= 3 and all(map(nested, trace.values()))'
check "the trace begins with the process and ends within its time" timings \
	'min(s["ts"] for s in trace[0]) == 0 and max(s["ts"] + s["dur"] for s in trace[0]) <= (t["seconds"] + 0.5) * 1e6'

check "build with timings, one thread" build_timed -j 1
check "one thread does it all, while another asks the mirrors" timings \
	'nested(trace[0]) and {s["name"] for t in trace if t for s in trace[t]} <= {"refresh"}'
