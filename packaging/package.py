"""Packs a binary of BalanceOps: a tar.gz, a wheel, a .deb, an SPDX list and check sums; the same input gives the same bytes."""

import argparse
import base64
import concurrent.futures
import datetime
import email.utils
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import platform
import re
import subprocess
import tarfile
import zipfile

import man

ROOT = pathlib.Path(__file__).resolve().parents[1]
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
MACHINE = platform.machine()
SHELLS = {"bash": "balanceops", "zsh": "_balanceops", "fish": "balanceops.fish"}
MAINTAINER = "BalanceOps <balanceops@example.invalid>"
SUMMARY = "MLOps loop in one binary: tracking, a policy gate, serving and a dashboard"


def version():
    text = (ROOT / "Sources/BalanceCore/Support/Build.swift").read_text()
    return re.search(r'version = "([^"]+)"', text)[1]


def glibc(binary):
    """The oldest C library that the binary runs with, as (2, 36)."""
    names = subprocess.run(["readelf", "-V", binary], capture_output=True, text=True, check=True).stdout
    found = {tuple(map(int, number.split("."))) for number in re.findall(r"GLIBC_(\d+\.\d+)", names)}
    # Relocations are packed in a way that 2.36 is the first to read.
    return max(found | ({(2, 36)} if "GLIBC_ABI_DT_RELR" in names else {(2, 17)}))


def tree(entries):
    """A tar of (name, bytes, mode) with the folders above them, whose owner is root and whose times are the commit's."""
    folders = {f"{folder}/" for name, _, _ in entries for folder in pathlib.PurePosixPath(name).parents if str(folder) != "."}
    lead = "./" if entries[0][0].startswith("./") else ""
    entries = sorted([*((lead + folder, None, 0o755) for folder in folders), *entries], key=lambda entry: entry[0])
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data, mode in ([("./", None, 0o755)] if lead else []) + entries:
            info = tarfile.TarInfo(name)
            info.mtime, info.mode, info.uname, info.gname = EPOCH, mode, "root", "root"
            if data is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return plain.getvalue()


def zipped(data, level=9):
    return gzip.compress(data, level, mtime=EPOCH)


class Release:
    """What goes into the packages."""

    def __init__(self, binary, number, asked):
        self.binary, self.version, self.data = binary, number, binary.read_bytes()
        self.pages = {name: text.encode() for name, text in man.pages(asked, number, EPOCH).items()}
        self.completions = {
            shell: subprocess.run([asked, "completions", shell], capture_output=True, check=True).stdout for shell in SHELLS}
        self.licence = (ROOT / "LICENSE").read_bytes()
        self.notices = notices().encode()


def notices():
    """The licences and notices of what is linked in: each text once, with the names of those that it is of."""
    texts = {}
    checkouts = sorted((ROOT / ".build/checkouts").glob("*"), key=lambda folder: folder.name.lower())
    for pattern in ["LICEN[CS]E*", "NOTICE*"]:
        for folder in checkouts:
            for file in sorted(file for file in folder.glob(pattern) if file.is_file()):
                texts.setdefault(file.read_text(errors="replace").strip(), []).append(folder.name)
    head = """This binary has linked in, besides the packages below: the runtime library of Swift and Foundation (Apache License 2.0 with
the Runtime Library Exception), with ICU (Unicode License v3, https://www.unicode.org/license.txt); SQLite (public domain);
zlib (zlib License); the C++ library of GCC (GPL 3 with the GCC Runtime Library Exception).
"""
    line = "\n" + "-" * 100 + "\n"
    return line.join([head, *(f"{', '.join(names)}\n\n{text}\n" for text, names in texts.items())])


def tarball(release, output, level):
    folder = f"balanceops-{release.version}-linux-{MACHINE}"
    files = {"balanceops": release.data, "LICENSE": release.licence, "NOTICES": release.notices}
    files |= {name: (ROOT / name).read_bytes() for name in ["README.md", "CHANGELOG.md"]}
    files["balanceops.service"] = (ROOT / "packaging/deb/balanceops.service").read_bytes()
    files |= {f"share/man/man1/{name}": page for name, page in release.pages.items()}
    files |= {f"share/completions/{shell}/{name}": release.completions[shell] for shell, name in SHELLS.items()}
    entries = [(f"{folder}/{name}", data, 0o755 if name == "balanceops" else 0o644) for name, data in files.items()]
    (output / f"{folder}.tar.gz").write_bytes(zipped(tree(entries), level))


def wheel(release, output, level):
    """A wheel (PEP 427) whose script is the binary."""
    name, number = "balanceops", release.version
    tag = "py3-none-manylinux_{}_{}_{}".format(*glibc(release.binary), MACHINE)
    info = f"{name}-{number}.dist-info"
    metadata = f"""Metadata-Version: 2.4
Name: {name}
Version: {number}
Summary: {SUMMARY}
License-Expression: MIT
License-File: LICENSE
License-File: NOTICES
Requires-Python: >=3.9
Provides-Extra: onnx
Requires-Dist: onnxruntime>=1.17; extra == "onnx"
Description-Content-Type: text/markdown

""" + (ROOT / "packaging/python/README.md").read_text()
    files = {f"{name}/{file.name}": file.read_bytes() for file in sorted((ROOT / "packaging/python/balanceops").glob("*.*"))}
    files |= {
        f"{name}-{number}.data/scripts/balanceops": release.data,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: balanceops\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
        f"{info}/entry_points.txt": b"[pytest11]\nbalanceops = balanceops.pytest_plugin\n",
        f"{info}/licenses/LICENSE": release.licence,
        f"{info}/licenses/NOTICES": release.notices,
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


def copyright_file(release):
    """Debian's machine-readable form of the licence."""
    name, holder, text = re.fullmatch(r"(\w+) License\n\n(Copyright [^\n]+)\n\n(.+)", release.licence.decode(), re.DOTALL).groups()
    holder = holder.removeprefix("Copyright (c) ")
    text = "".join(f" {line or '.'}\n" for line in text.strip().splitlines())
    return f"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: BalanceOps
Comment: The licences of what is linked into the binary are in NOTICES.gz.

Files: *
Copyright: {holder}
License: {name}
{text}""".encode()


def deb(release, output, fast):
    """A Debian package: the archive `ar` of a version, what dpkg is to know, and the files."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[MACHINE]
    folder = ROOT / "packaging/deb"
    share, documents = "./usr/share", "./usr/share/doc/balanceops"
    date = email.utils.format_datetime(datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc))
    changes = f"balanceops ({release.version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- {MAINTAINER}  {date}\n"
    contents = {
        "./usr/bin/balanceops": release.data,
        "./usr/lib/systemd/system/balanceops.service": (folder / "balanceops.service").read_bytes(),
        "./etc/balanceops/balanceops.env": (folder / "balanceops.env").read_bytes(),
        f"{documents}/copyright": copyright_file(release),
        f"{documents}/NOTICES.gz": zipped(release.notices),
        f"{documents}/changelog.gz": zipped(changes.encode()),
        f"{documents}/CHANGELOG.md.gz": zipped((ROOT / "CHANGELOG.md").read_bytes()),
        f"{share}/lintian/overrides/balanceops": (folder / "lintian-overrides").read_bytes(),
        f"{share}/bash-completion/completions/balanceops": release.completions["bash"].removeprefix(b"#!/bin/bash\n").lstrip(),
        f"{share}/zsh/vendor-completions/_balanceops": release.completions["zsh"],
        f"{share}/fish/vendor_completions.d/balanceops.fish": release.completions["fish"],
    }
    contents |= {f"{share}/man/man1/{name}.gz": zipped(page) for name, page in release.pages.items()}
    # Settings may hold secrets; systemd reads them as root.
    modes = {"./usr/bin/balanceops": 0o755, "./etc/balanceops/balanceops.env": 0o640}
    files = [(name, data, modes.get(name, 0o644)) for name, data in contents.items()]
    control = f"""Package: balanceops
Version: {release.version}
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {sum(len(data) // 1024 + 1 for data in contents.values())}
Depends: libc6 (>= {glibc(release.binary)[0]}.{glibc(release.binary)[1]}), adduser
Recommends: ca-certificates
Section: science
Priority: optional
Description: {SUMMARY}
 Records training runs, decides by a written policy whether a candidate may
 replace the current model, serves the current one, and shows all of it.
"""
    sums = "".join(f"{hashlib.md5(data).hexdigest()}  {name[2:]}\n" for name, data in sorted(contents.items()))
    about = [("./control", control.encode(), 0o644), ("./md5sums", sums.encode(), 0o644),
             ("./conffiles", b"/etc/balanceops/balanceops.env\n", 0o644)]
    about += [(f"./{name}", (folder / name).read_bytes(), 0o755) for name in ["postinst", "prerm", "postrm"]]
    data = ("data.tar.gz", zipped(tree(files), 1)) if fast else ("data.tar.xz", lzma.compress(tree(files), preset=6))
    archive = b"!<arch>\n"
    for name, content in [("debian-binary", b"2.0\n"), ("control.tar.gz", zipped(tree(about))), data]:
        archive += f"{name:<16}{EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        archive += content + (b"\n" if len(content) % 2 else b"")
    (output / f"balanceops_{release.version}_{architecture}.deb").write_bytes(archive)


def licence(folder):
    """The SPDX name of a package's licence, by its text."""
    texts = [file.read_text(errors="replace") for file in sorted(folder.glob("LICEN[CS]E*")) if file.is_file()]
    text = texts[0] if texts else ""
    for name, mark in [("Apache-2.0", "Apache License"), ("MIT", "Permission is hereby granted, free of charge"), ("BSD-3-Clause", "Redistribution and use")]:
        if mark in text:
            return name
    return "NOASSERTION"


def spdx(release, output):
    """What is in the binary (SPDX 2.3): our own source, the Swift packages, and the system's archives."""
    packages = []

    def add(name, number, place, terms):
        packages.append({
            "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": number,
            "downloadLocation": place, "licenseConcluded": terms, "licenseDeclared": terms, "filesAnalyzed": False,
            "copyrightText": "NOASSERTION"})

    add("balanceops", release.version, "NOASSERTION", "MIT")
    swift = re.search(r'swiftVersion = "([^"]+)"', (ROOT / "Sources/BalanceCore/Support/Build.swift").read_text())[1]
    add("swift", swift, "https://github.com/swiftlang/swift", "Apache-2.0 WITH Swift-exception")
    resolved = ROOT / "Package.resolved"
    for pin in sorted(json.loads(resolved.read_text())["pins"], key=lambda pin: pin["identity"]) if resolved.exists() else []:
        name = pin["location"].rstrip("/").removesuffix(".git").rsplit("/", 1)[1]
        add(name, pin["state"].get("version", "NOASSERTION"), pin["location"], licence(ROOT / ".build/checkouts" / name))
    for name, package, terms in [("sqlite", "libsqlite3-dev", "blessing"), ("zlib", "zlib1g-dev", "Zlib"),
                                 ("libstdc++", "libstdc++-12-dev", "GPL-3.0-or-later WITH GCC-exception-3.1")]:
        found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        add(name, found.stdout or "NOASSERTION", "NOASSERTION", terms)
    digest = hashlib.sha256(release.data).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"balanceops-{release.version}",
        "documentNamespace": f"https://balanceops.invalid/spdx/{digest}",
        "creationInfo": {"created": datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: scripts/package.sh"]},
        "packages": packages,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-balanceops"}]
        + [{"spdxElementId": "SPDXRef-balanceops", "relationshipType": "STATIC_LINK", "relatedSpdxElement": package["SPDXID"]} for package in packages[1:]],
    }
    (output / f"balanceops-{release.version}.spdx.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--ask", type=pathlib.Path, help="the binary that is asked for its help, if the packed one does not run here")
    parser.add_argument("--version", help="instead of the version in the source")
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for old in options.output.glob("balanceops*"):
        old.unlink()
    release = Release(options.binary, options.version or version(), options.ask or options.binary)
    level = 1 if options.fast else 9
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(make, release, options.output, how)
                for make, how in [(deb, options.fast), (tarball, level), (wheel, level)]]
        spdx(release, options.output)
        for job in jobs:
            job.result()
    names = sorted(file.name for file in options.output.glob("balanceops*"))
    sums = [f"{hashlib.sha256((options.output / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (options.output / "SHA256SUMS").write_text("".join(sums))
    print("glibc {}.{} or newer".format(*glibc(options.binary)))


if __name__ == "__main__":
    main()
