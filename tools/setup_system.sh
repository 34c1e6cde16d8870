#!/usr/bin/env bash
# What some tests need beside Python: headless Chromium (the HTML report is opened and printed), poppler-utils (its
# print is read back), openssl (a stranger's check of the seal), gcc (the GPU library that does what a script says),
# faketime (a wall clock that is set), strace (every call for a socket) and prometheus (a server to fetch from). Installed
# from Debian's packages where that is possible without asking; elsewhere this says what is missing, and the tests that
# need it are skipped by name. Further programs may be named: java (the Spark engine).
set -u

declare -A package_of=([chromium]=chromium [pdftotext]=poppler-utils [openssl]=openssl [gcc]=gcc [faketime]=faketime
    [strace]=strace [unshare]=util-linux [mount]=mount [hostname]=hostname
    [prometheus]=prometheus [java]=default-jre-headless)
missing=()
for program in chromium pdftotext openssl gcc faketime strace unshare mount hostname prometheus "$@"; do
    if ! command -v "$program" >/dev/null 2>&1; then
        missing+=("${package_of[$program]}")
        [ "$program" = gcc ] && missing+=(libc6-dev)
    fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing for the tests: ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    # The tests start their own server; the package must not leave a service running.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    if apt-get update -qq >/dev/null 2>&1 &&
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        case " ${missing[*]} " in
        *" prometheus "*) systemctl disable --quiet prometheus >/dev/null 2>&1 || true ;;
        esac
        exit 0
    fi
    echo "apt-get could not install them." >&2
fi
echo "Not installed: ${missing[*]}. The tests that need them will be skipped; install them to run all." >&2
exit 0
