# SPDX-License-Identifier: MIT
# srk.py DISK SRK KEY: what it takes to seal a state to the machine's TPM, from its DISK alone: the public half of the storage
# root key, out of the LUKS2 token of the state (TPM2B_PUBLIC), and that of pcr-signing, out of the UKI (PEM).
import base64, json, struct, subprocess, sys

disk, srk, key = sys.argv[1:]
table = json.loads(subprocess.check_output(["sfdisk", "--json", disk]))["partitiontable"]["partitions"]
with open(disk, "rb") as f:
    esp = f.read(table[1]["start"] * 512)
    f.seek(next(p["start"] for p in table if p.get("name") == "state") * 512 + 4096)
    header = json.loads(f.read(12 << 10).split(b"\0", 1)[0])
blob = base64.b64decode(next(t for t in header["tokens"].values() if t["type"] == "systemd-tpm2")["tpm2_srk"])
# as tpm2-tss keeps a handle: the handle, TPM2B_NAME, what it is, TPM2B_PUBLIC
public = blob[4 + 2 + struct.unpack_from(">H", blob, 4)[0] + 4:]
with open(srk, "wb") as f:
    f.write(public[:2 + struct.unpack_from(">H", public)[0]])
end = b"-----END PUBLIC KEY-----\n"
begin = esp.index(b"-----BEGIN PUBLIC KEY-----\n")
with open(key, "wb") as f:
    f.write(esp[begin:esp.index(end, begin) + len(end)])
