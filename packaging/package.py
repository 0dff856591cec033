"""Packs a binary of BalanceOps: a tar.gz, a wheel, a .deb, an SPDX list and check sums; the same input gives the same bytes."""

import argparse
import base64
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import subprocess
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
MACHINE = platform.machine()
SUMMARY = "The MLOps loop in one binary: tracking, a policy gate, serving and a dashboard"


def version():
    text = (ROOT / "Sources/BalanceCore/Support/Build.swift").read_text()
    return re.search(r'version = "([^"]+)"', text)[1]


def glibc(binary):
    """The oldest C library that the binary runs with, as (2, 36)."""
    names = subprocess.run(["readelf", "-V", binary], capture_output=True, text=True, check=True).stdout
    found = {tuple(map(int, number.split("."))) for number in re.findall(r"GLIBC_(\d+\.\d+)", names)}
    # Relocations are packed in a way that 2.36 is the first to read.
    return max(found | ({(2, 36)} if "GLIBC_ABI_DT_RELR" in names else {(2, 17)}))


def tree(entries, level):
    """A tar.gz of (name, bytes, mode), whose owner is root and whose times are the commit's."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data, mode in entries:
            info = tarfile.TarInfo(name)
            info.mtime, info.mode = EPOCH, mode
            if data is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), level, mtime=EPOCH)


def tarball(binary, output, level):
    folder = f"balanceops-{version()}-linux-{MACHINE}"
    files = [(f"{folder}/balanceops", binary.read_bytes(), 0o755)]
    for name in ["LICENSE", "README.md", "CHANGELOG.md"]:
        if (ROOT / name).exists():
            files.append((f"{folder}/{name}", (ROOT / name).read_bytes(), 0o644))
    files.append((f"{folder}/balanceops.service", (ROOT / "packaging/deb/balanceops.service").read_bytes(), 0o644))
    (output / f"{folder}.tar.gz").write_bytes(tree(files, level))


def wheel(binary, output, level):
    """A wheel (PEP 427) whose script is the binary."""
    name, number = "balanceops", version()
    tag = "py3-none-manylinux_{}_{}_{}".format(*glibc(binary), MACHINE)
    info = f"{name}-{number}.dist-info"
    metadata = f"""Metadata-Version: 2.1
Name: {name}
Version: {number}
Summary: {SUMMARY}
License: MIT
Requires-Python: >=3.9
Provides-Extra: onnx
Requires-Dist: onnxruntime>=1.17; extra == "onnx"
Description-Content-Type: text/markdown

""" + (ROOT / "packaging/python/README.md").read_text()
    files = {f"{name}/{file.name}": file.read_bytes() for file in sorted((ROOT / "packaging/python/balanceops").glob("*.*"))}
    files |= {
        f"{name}-{number}.data/scripts/balanceops": binary.read_bytes(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: balanceops\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        f"{info}/entry_points.txt": b"[pytest11]\nbalanceops = balanceops.pytest_plugin\n",
    }
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    # A zip's times begin in 1980 and are even.
    moment = (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(output / f"{name}-{number}-{tag}.whl", "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, moment)
            # With its type: pip keeps the right to execute of regular files alone.
            entry.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=level)


def deb(binary, output, level):
    """A Debian package: the archive `ar` of a version, what dpkg is to know, and the files."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[MACHINE]
    folder = ROOT / "packaging/deb"
    data = binary.read_bytes()
    control = f"""Package: balanceops
Version: {version()}
Architecture: {architecture}
Maintainer: BalanceOps <balanceops@example.invalid>
Installed-Size: {len(data) // 1024 + 64}
Depends: libc6 (>= {glibc(binary)[0]}.{glibc(binary)[1]}), adduser
Section: science
Priority: optional
Description: {SUMMARY}
 Records training runs, decides by a written policy whether a candidate may
 replace the current model, serves the current one, and shows all of it.
"""
    unit = (folder / "balanceops.service").read_bytes()
    files = [("./", None, 0o755)]
    for path in ["./usr/", "./usr/bin/", "./lib/", "./lib/systemd/", "./lib/systemd/system/", "./etc/", "./etc/balanceops/",
                 "./usr/share/", "./usr/share/doc/", "./usr/share/doc/balanceops/"]:
        files.append((path, None, 0o755))
    files += [
        ("./usr/bin/balanceops", data, 0o755), ("./lib/systemd/system/balanceops.service", unit, 0o644),
        ("./etc/balanceops/balanceops.env", (folder / "balanceops.env").read_bytes(), 0o640),
        ("./usr/share/doc/balanceops/copyright", (ROOT / "LICENSE").read_bytes(), 0o644),
    ]
    sums = "".join(f"{hashlib.md5(content).hexdigest()}  {name[2:]}\n" for name, content, _ in files if content is not None)
    about = [("./", None, 0o755), ("./control", control.encode(), 0o644), ("./md5sums", sums.encode(), 0o644),
             ("./conffiles", b"/etc/balanceops/balanceops.env\n", 0o644)]
    about += [(f"./{name}", (folder / name).read_bytes(), 0o755) for name in ["postinst", "prerm", "postrm"]]
    parts = [("debian-binary", b"2.0\n"), ("control.tar.gz", tree(about, 9)), ("data.tar.gz", tree(files, level))]
    archive = b"!<arch>\n"
    for name, content in parts:
        archive += f"{name:<16}{EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        archive += content + (b"\n" if len(content) % 2 else b"")
    (output / f"balanceops_{version()}_{architecture}.deb").write_bytes(archive)


def licence(folder):
    """The SPDX name of a package's licence, by its text."""
    texts = [file.read_text(errors="replace") for file in sorted(folder.glob("LICEN[CS]E*")) if file.is_file()]
    text = texts[0] if texts else ""
    for name, mark in [("Apache-2.0", "Apache License"), ("MIT", "Permission is hereby granted, free of charge"), ("BSD-3-Clause", "Redistribution and use")]:
        if mark in text:
            return name
    return "NOASSERTION"


def spdx(binary, output):
    """What is in the binary (SPDX 2.3): our own source, the Swift packages, and the system's archives."""
    packages = []

    def add(name, number, place, terms):
        packages.append({
            "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": number,
            "downloadLocation": place, "licenseConcluded": terms, "licenseDeclared": terms, "filesAnalyzed": False,
            "copyrightText": "NOASSERTION"})

    add("balanceops", version(), "NOASSERTION", "MIT")
    resolved = ROOT / "Package.resolved"
    for pin in sorted(json.loads(resolved.read_text())["pins"], key=lambda pin: pin["identity"]) if resolved.exists() else []:
        name = pin["location"].rstrip("/").removesuffix(".git").rsplit("/", 1)[1]
        add(name, pin["state"].get("version", "NOASSERTION"), pin["location"], licence(ROOT / ".build/checkouts" / name))
    for name, package, terms in [("sqlite", "libsqlite3-dev", "blessing"), ("zlib", "zlib1g-dev", "Zlib"),
                                 ("libstdc++", "libstdc++-12-dev", "GPL-3.0-or-later WITH GCC-exception-3.1")]:
        found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        add(name, found.stdout or "NOASSERTION", "NOASSERTION", terms)
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"balanceops-{version()}",
        "documentNamespace": f"https://balanceops.invalid/spdx/{digest}",
        "creationInfo": {"created": datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: scripts/package.sh"]},
        "packages": packages,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-balanceops"}]
        + [{"spdxElementId": "SPDXRef-balanceops", "relationshipType": "STATIC_LINK", "relatedSpdxElement": package["SPDXID"]} for package in packages[1:]],
    }
    (output / f"balanceops-{version()}.spdx.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for old in options.output.glob("balanceops*"):
        old.unlink()
    level = 1 if options.fast else 9
    tarball(options.binary, options.output, level)
    wheel(options.binary, options.output, level)
    deb(options.binary, options.output, level)
    spdx(options.binary, options.output)
    names = sorted(file.name for file in options.output.glob("balanceops*"))
    sums = [f"{hashlib.sha256((options.output / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (options.output / "SHA256SUMS").write_text("".join(sums))
    print("glibc {}.{} or newer".format(*glibc(options.binary)))


if __name__ == "__main__":
    main()
