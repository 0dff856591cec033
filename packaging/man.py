"""Manual pages from what a binary of BalanceOps says about its commands: balanceops.1 and a page for each command.

man.py BINARY FOLDER writes them into a folder. A command of a group, such as `models list`, is on the page of the group.
"""

import concurrent.futures
import datetime
import json
import pathlib
import re
import subprocess
import sys

FILES = [("/usr/bin/balanceops", "The program."),
         ("/etc/balanceops/balanceops.env", "The settings of the Debian package's service."),
         ("/var/lib/balanceops", "The data of that service: database, artifacts, current model and keys.")]


def escape(text):
    """Text that roff shows as it is."""
    signs = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
    shown = "".join(signs.get(sign, sign if sign.isascii() else f"\\[u{ord(sign):04X}]") for sign in text)
    return "\\&" + shown if shown.startswith(".") else shown


def say(binary, *arguments):
    return subprocess.run([binary, *arguments, "--help"], capture_output=True, text=True, check=True).stdout


def examples(text):
    """The lines after EXAMPLES: in a help text."""
    found = re.search(r"^EXAMPLES?:\n((?:  .*\n?)+)", text, re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def own(command):
    """The arguments of a command but --help and --version, which every command has."""
    return [argument for argument in command.get("arguments", [])
            if argument["shouldDisplay"] and not {"help", "version"} & {name["name"] for name in argument.get("names", [])}]


def synopsis(command, path):
    line = f"\\fB{escape(' '.join(path))}\\fR"
    if command.get("subcommands"):
        return line + " \\fICOMMAND\\fR [\\fIOPTIONS\\fR]"
    for argument in own(command):
        if argument["kind"] == "positional":
            name = f"\\fI{escape(argument['valueName'].upper())}\\fR" + (" ..." if argument["isRepeating"] else "")
        elif not argument["isOptional"]:
            name = label(argument)
        else:
            continue
        line += f" [{name}]" if argument["isOptional"] else f" {name}"
    return line + " [\\fIOPTIONS\\fR]"


def label(argument):
    """How an argument is written: -h, --data FOLDER, MODEL."""
    value = argument["valueName"]
    if argument["kind"] == "positional":
        return f"\\fI{escape(value.upper())}\\fR"
    if value in [name["name"] for name in argument["names"]]:
        value = value.split("-")[-1]
    names = ", ".join(f"\\fB{escape(('--' if name['kind'] == 'long' else '-') + name['name'])}\\fR" for name in argument["names"])
    return names if argument["kind"] == "flag" else f"{names} \\fI{escape(value.upper())}\\fR"


def listed(arguments):
    for argument in arguments:
        yield ".TP"
        yield label(argument)
        text = argument.get("abstract", "")
        if argument["isRepeating"] and argument["kind"] != "positional":
            text += " May be given several times."
        if argument.get("defaultValue") and argument["kind"] != "flag":
            text += f" The default is {argument['defaultValue']}."
        yield escape(text.strip()) or "\\&"


def described(command):
    """What a command does, and its exit status in words or None."""
    text, _, status = command.get("discussion", "").partition("Exit status")
    return [command["abstract"], *([" ".join(text.split())] if text.strip() else [])], " ".join(status.split())


def sections(arguments):
    """Arguments by the title of their section."""
    found = {}
    for argument in arguments:
        found.setdefault(argument.get("sectionTitle", ""), []).append(argument)
    return found


def head(name, command, about):
    # A name is followed by what follows "it" in a sentence.
    abstract = command["abstract"].rstrip(".")
    yield f'.TH "{escape(name.upper())}" 1 "{about["date"]}" "BalanceOps {escape(about["version"])}" "BalanceOps"'
    yield ".nh"
    yield ".ad l"
    yield ".SH NAME"
    yield f"{escape(name)} \\- {escape(abstract[0].lower() + abstract[1:])}"
    yield ".SH SYNOPSIS"


def tail(lines, related):
    if lines:
        yield ".SH EXAMPLES"
        yield ".nf"
        yield from map(escape, lines)
        yield ".fi"
    yield ".SH SEE ALSO"
    for name in related:
        yield f".BR {escape(name)} (1)" + ("," if name != related[-1] else "")


def page(command, about, related):
    """The page of a command, and of those below it."""
    path = ["balanceops", command["commandName"]]
    below = command.get("subcommands", [])
    lines = list(head("-".join(path), command, about))
    for one in below or [command]:
        lines += [synopsis(one, path + [one["commandName"]] if below else path), ".br"]
    lines[-1] = ".SH DESCRIPTION"
    texts, status = described(command)
    lines += [escape(texts[0])] + [line for text in texts[1:] for line in (".PP", escape(text))]
    shared = {}
    if below:
        lines.append(".SH COMMANDS")
    for one in below:
        texts, ends = described(one)
        lines += [f".SS {escape(' '.join(path + [one['commandName']]))}", escape(texts[0])]
        lines += [line for text in texts[1:] for line in (".PP", escape(text))]
        lines += [".PP", escape(f"Exit status{ends}")] if ends else []
        groups = sections(own(one))
        lines += listed(groups.pop("", []))
        for title, arguments in groups.items():
            known = shared.setdefault(title, [])
            known += [argument for argument in arguments if argument not in known]
        if groups:
            lines += [".PP", escape("It also takes the options of: " + ", ".join(groups) + ".")]
    if not below:
        shared = sections(own(command))
        plain = shared.pop("", [])
        for title, wanted in [("ARGUMENTS", True), ("OPTIONS", False)]:
            some = [argument for argument in plain if (argument["kind"] == "positional") == wanted]
            lines += [f".SH {title}", *listed(some)] if some else []
    for title, arguments in shared.items():
        lines += [f'.SH "{escape(title.upper())}"', *listed(arguments)]
    if status:
        lines += [".SH EXIT STATUS", escape(status.lstrip(": "))]
    return "\n".join([*lines, *tail(about["examples"][command["commandName"]], related)]) + "\n"


def overview(top, titles, about, related):
    """The page of the program, with its commands in the groups of its help."""
    lines = [*head("balanceops", top, about), synopsis(top, ["balanceops"]), ".SH DESCRIPTION", escape(top["abstract"]),
             ".PP", "The commands work on the files of this machine, or with \\fB\\-\\-server\\fR on those of a server.",
             "Every command has \\fB\\-\\-help\\fR and \\fB\\-\\-version\\fR."]
    commands = {command["commandName"]: command for command in top["subcommands"]}
    for title, names in titles:
        lines.append(f'.SH "{escape(title)}"')
        for name in names:
            lines += [".TP", f"\\fB{escape(name)}\\fR", escape(commands[name]["abstract"])]
    lines += [".SH ENVIRONMENT", "Every setting is also a variable BALANCEOPS_NAME, which its option names;",
              "\\fBbalanceops config\\fR prints all of them with their values and where these come from."]
    lines.append(".SH FILES")
    for name, text in FILES:
        lines += [".TP", f"\\fI{escape(name)}\\fR", escape(text)]
    return "\n".join([*lines, *tail(about["examples"][""], related)]) + "\n"


def pages(binary, version, epoch):
    """The text of each page by its file name."""
    done = subprocess.run([binary, "--experimental-dump-help"], capture_output=True, text=True, check=True)
    top = json.loads(done.stdout)["command"]
    commands = [command for command in top["subcommands"] if command["shouldDisplay"] and command["commandName"] != "help"]
    names = ["", *(command["commandName"] for command in commands)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        helps = dict(zip(names, pool.map(lambda name: say(binary, *name.split()), names)))
    date = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%d")
    about = {"version": version, "date": date, "examples": {name: examples(text) for name, text in helps.items()}}
    titles = [(title, [name for name in re.findall(r"^  ([a-z][\w-]*)", block, re.MULTILINE) if name in names])
              for title, block in re.findall(r"^([A-Z ]+):\n((?:  .*\n)+)", helps[""], re.MULTILINE)]
    titles = [(title, some) for title, some in titles if some]
    found = {"balanceops.1": overview(top, titles, about, [f"balanceops-{name}" for name in names[1:]])}
    for command in commands:
        found[f"balanceops-{command['commandName']}.1"] = page(command, about, ["balanceops"])
    return found


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import package

    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(sys.argv[1], package.version(), package.EPOCH).items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
