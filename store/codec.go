package store

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"barillet/store/timerule"
)

// A record is one item of CBOR (RFC 8949), in the core deterministic encoding (§4.2.1). The keys of a struct are the numbers in cbor
// tags, or the names in json tags. A time is the seconds since 1970, rounded to a microsecond: an integer, or a float of 64 bits. A
// []byte, also one that contains JSON, is a byte string.
var (
	encoder = newEncoder()
	decoder = newDecoder()
)

// maxNesting limits the nested arrays and maps of a record.
const maxNesting = 16

func newEncoder() cbor.UserBufferEncMode {
	mode, err := cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16, NaNConvert: cbor.NaNConvert7e00, InfConvert: cbor.InfConvertFloat16,
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, ToIndefArrayStructTag: cbor.ToIndefArrayStructTagForbidden,
		Time: cbor.TimeUnixDynamic, OmitEmpty: cbor.OmitEmptyGoValue,
		BinaryMarshaler: cbor.BinaryMarshalerNone, TextMarshaler: cbor.TextMarshalerTextString,
	}.UserBufferEncMode()
	if err != nil {
		panic("store: " + err.Error())
	}
	return mode
}

// newDecoder returns a decoder that ignores unknown fields of a struct. It accepts text that is not UTF-8, because it accepts what
// the encoder writes: a client can send such text, and a record with it must stay readable.
func newDecoder() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, MaxNestedLevels: maxNesting,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive, UTF8: cbor.UTF8DecodeInvalid, DefaultMapType: reflect.TypeFor[map[any]any](),
		BinaryUnmarshaler: cbor.BinaryUnmarshalerNone, TextUnmarshaler: cbor.TextUnmarshalerTextString,
	}.DecMode()
	if err != nil {
		panic("store: " + err.Error())
	}
	return mode
}

// Encode returns a record as it is before it is sealed.
func Encode(v any) ([]byte, error) {
	var out bytes.Buffer
	if err := encoder.MarshalToBuffer(v, &out); err != nil {
		return nil, fmt.Errorf("encoding a record: %w", err)
	}
	return out.Bytes(), nil
}

// Decode reads what Encode returned into the value that v points to, which keeps nothing of raw. It refuses bytes after the
// record, a key that is twice in a map, deep nesting, tags, and items without a length.
func Decode(raw []byte, v any) error {
	if err := decode(raw, v, timerule.For(reflect.TypeOf(v).Elem())); err != nil {
		return fmt.Errorf("decoding a record: %w", err)
	}
	return nil
}

// decode is Decode for a type with this rule.
func decode(raw []byte, v any, times *timerule.Rule) error {
	if err := decoder.Unmarshal(raw, v); err != nil {
		return err
	}
	if times != nil {
		times.Round(reflect.ValueOf(v).Elem())
	}
	return nil
}
