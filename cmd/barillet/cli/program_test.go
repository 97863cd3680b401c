package cli_test

import (
	"testing"

	"barillet/cmd/barillet/cli"
)

func TestPlain_RemovesControlCharacters(t *testing.T) {
	if got, want := cli.Plain("a\x1b[2J\u202eb\r\u009bc é"), "a[2Jbc é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
