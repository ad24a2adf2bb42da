# SPDX-License-Identifier: MIT
# srk.py DISK FILE: the public half of the storage root key of the TPM that DISK's state is sealed to, out of its LUKS2 token
# (TPM2B_PUBLIC): with it anybody seals to that TPM.
import base64, json, struct, subprocess, sys

disk, file = sys.argv[1:]
table = json.loads(subprocess.check_output(["sfdisk", "--json", disk]))["partitiontable"]["partitions"]
with open(disk, "rb") as f:
    f.seek(next(p["start"] for p in table if p.get("name") == "state") * 512 + 4096)
    header = json.loads(f.read(12 << 10).split(b"\0", 1)[0])
blob = base64.b64decode(next(t for t in header["tokens"].values() if t["type"] == "systemd-tpm2")["tpm2_srk"])
# as tpm2-tss keeps a handle: the handle, TPM2B_NAME, what it is, TPM2B_PUBLIC
public = blob[4 + 2 + struct.unpack_from(">H", blob, 4)[0] + 4:]
with open(file, "wb") as f:
    f.write(public[:2 + struct.unpack_from(">H", public)[0]])
