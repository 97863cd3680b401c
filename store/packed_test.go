package store_test

import (
	"strings"
	"testing"

	"barillet/store"
)

func TestPackID_ReturnsEachIDAgain(t *testing.T) {
	const id = "abcdefghijklmnopqrstuvwxya"
	for text, size := range map[string]int{id: 17, "u" + id: 18, "": 1, "u": 2, "uboss": 6, strings.ToUpper(id): 28, id[:25] + "b": 28, id[:25]: 27,
		"uu" + id: 30, "é" + id: 30, strings.Repeat("1", 26): 28, "u" + strings.Repeat("a", 15) + "\n" + strings.Repeat("a", 10): 29, strings.Repeat("x", 16): 17} {
		raw, err := store.PackID(text)
		if err != nil || len(raw) != size {
			t.Errorf("%q has %d bytes, %v, want %d", text, len(raw), err, size)
		}
		var got string
		if err := store.UnpackID(&got, raw); got != text || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	var number string
	if err := store.UnpackID(&number, []byte{0x01}); err == nil {
		t.Errorf("a number is the id %q", number)
	}
}

// A damaged record has bytes of any size where an id should be.
func TestUnpackID_RefusesBytesOfAnotherSize(t *testing.T) {
	for n := range 24 {
		item := append([]byte{byte(0x40 + n)}, make([]byte, n)...)
		var id string
		if err := store.UnpackID(&id, item); (err == nil) != (n == 16 || n == 17) {
			t.Errorf("%d bytes: got %q, %v", n, id, err)
		}
		for size := range n {
			if err := store.UnpackID(&id, item[:size]); err == nil {
				t.Errorf("%d of %d bytes: got the id %q", size, n, id)
			}
		}
	}
}
