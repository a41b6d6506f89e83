"""What Windows nodes run: none can be booted here, so every script is parsed, and every name in it is one that there is."""

from pathlib import Path

import pytest
from tests.powershell import commands, faults, functions, unknown_variables

import jeroboam

SCRIPTS = sorted(Path(jeroboam.__file__).parent.rglob("*.ps1"))
NAMES = [f"{path.parent.parent.name}/{path.name}" for path in SCRIPTS]
# Cmdlets of Windows PowerShell 5.1 on Windows Server 2019. Source: Microsoft's PowerShell module reference.
CMDLETS = set(
    """
    ConvertFrom-Json ConvertTo-Json Find-NetRoute ForEach-Object Get-Content Get-Date Get-ItemProperty Get-NetFirewallRule
    Get-ScheduledTask Get-Service Invoke-RestMethod Invoke-WebRequest Join-Path Move-Item New-Item New-NetFirewallRule
    New-Object New-ScheduledTaskAction New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-Service New-TimeSpan
    Out-File Out-Host Out-Null Out-String Register-ScheduledTask Remove-Item Restart-Service Select-Object Set-Content
    Set-ItemProperty Set-Service Set-StrictMode Split-Path Start-ScheduledTask Start-Service Start-Sleep Test-Path
    Where-Object Write-Output
    """.split()  # noqa: SIM905
)
PROGRAMS = {"icacls.exe", "taskkill.exe", "sc.exe"}  # of the system


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) == 10


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_every_script_is_powershell(path: Path) -> None:
    assert faults(path.read_text()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_every_script_reads_the_same_whatever_the_code_page(path: Path) -> None:
    """PowerShell 5.1 takes a file without a mark of its encoding for one of the system's code page."""
    assert path.read_bytes().isascii()


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_every_command_is_one_that_there_is(path: Path) -> None:
    text = path.read_text()
    called = {word for word in commands(text) if not word.startswith(("C:\\", '"', "$"))}
    assert called - functions(text) - CMDLETS - PROGRAMS == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_every_variable_is_set_somewhere(path: Path) -> None:
    given = (
        {"signal", "sealed", "ca"} if path.name == "first_boot.ps1" else set()
    )  # before the script, by windows_data.py
    assert unknown_variables(path.read_text()) - given == set()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("exit 0\n", "}\n"),
        ("try {", "try ("),
        ("function Get-Hex(", "function Get-Hex(("),
        ("-replace '(\\\\+)$', '$1$1'", "-replace '(\\\\+)$, '$1$1'"),
        ("if ($Secret.Length -gt 0) {", "if $Secret.Length -gt 0 {"),
        ("foreach ($step in $boot.steps)", "foreach ($step of $boot.steps)"),
    ],
)
def test_a_broken_script_is_no_powershell(right: str, wrong: str) -> None:
    text = next(path for path in SCRIPTS if path.name == "first_boot.ps1").read_text()
    assert right in text
    assert faults(text.replace(right, wrong, 1)) != []


def test_a_misspelt_name_is_found() -> None:
    text = 'param([string]$Name)\n$address = Get-Adress $Name\nWrite-Output $adress $env:TEMP "${address}x"\n'
    assert faults(text) == []
    assert commands(text) - CMDLETS == {"Get-Adress"}
    assert unknown_variables(text) == {"adress"}
