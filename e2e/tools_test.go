package e2e_test

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
)

// tool finds a program that the tests drive. A missing one is a failure: a
// test that passes without its tool proves nothing.
func tool(tb testing.TB, name, debian string) string {
	tb.Helper()
	found, err := exec.LookPath(name)
	if err != nil {
		tb.Fatalf("%s is missing: install the Debian package %s, or run e2e/install-tools.sh", name, debian)
	}
	return found
}

// TOTP returns the six-digit TOTP code of a base32 secret at a time.
func TOTP(tb testing.TB, secret string, at time.Time) string {
	tb.Helper()
	return string(authntest.Code(tb, secret, uint64(at.Unix()/30)))
}

// Oathtool returns the code that oathtool computes for a base32 secret at a time.
func Oathtool(tb testing.TB, secret string, at time.Time) string {
	tb.Helper()
	return output(tb, nil, tool(tb, "oathtool", "oathtool"), "--totp", "--base32", "--digits=6", "--time-step-size=30s",
		"--now=@"+strconv.FormatInt(at.Unix(), 10), secret)
}

// ZbarImg reads the one QR code of a picture, exactly as it is written.
func ZbarImg(tb testing.TB, picture []byte) string {
	tb.Helper()
	return output(tb, picture, tool(tb, "zbarimg", "zbar-tools"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", "png:-")
}

func output(tb testing.TB, stdin []byte, program string, args ...string) string {
	tb.Helper()
	var stderr bytes.Buffer
	command := exec.CommandContext(tb.Context(), program, args...)
	command.Stdin, command.Stderr = bytes.NewReader(stdin), &stderr
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("running %s: %v: %s", program, err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}
