package store

import (
	"encoding/base32"
	"fmt"
)

// packing is the text of 128 random bits in ids.
var packing = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// packedSize is the number of bytes of such an id without its letter.
const packedSize = 16

// PackID returns an id as an item of CBOR, for the MarshalCBOR of a type of ids. An id of 26 base32 characters, after at most one
// letter, is a string of 16 bytes, after that letter. Any other id is text.
func PackID(id string) ([]byte, error) {
	start := len(id) - packing.EncodedLen(packedSize)
	if start == 0 || start == 1 {
		out := append(make([]byte, 0, 2+packedSize), byte(0x40+start+packedSize))
		out = append(out, id[:start]...)
		if out, err := packing.AppendDecode(out, []byte(id[start:])); err == nil && unpack(out[1:]) == id {
			return out, nil
		}
	}
	return encoder.Marshal(id)
}

// UnpackID reads the item of PackID, for an UnmarshalCBOR.
func UnpackID[ID ~string](id *ID, item []byte) error {
	if n := len(item) - 1; (n == packedSize || n == packedSize+1) && item[0] == byte(0x40+n) {
		*id = ID(unpack(item[1:]))
		return nil
	}
	var text string
	if err := decoder.Unmarshal(item, &text); err != nil {
		return fmt.Errorf("decoding an id: %w", err)
	}
	*id = ID(text)
	return nil
}

func unpack(packed []byte) string {
	start := len(packed) - packedSize
	return string(packing.AppendEncode(append(make([]byte, 0, 27), packed[:start]...), packed[start:]))
}
