package webauthn

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"barillet/factors"
)

// aaguids names models by AAGUID. It ages: an unknown key is not a bad key.
//
//go:embed aaguids.json
var aaguids []byte

var models = sync.OnceValue(func() map[string]string {
	var m map[string]string
	if err := json.Unmarshal(aaguids, &m); err != nil {
		panic(fmt.Sprintf("aaguids.json: %v", err)) // part of the program: a test reads it
	}
	return m
})

// ModelName suggests a name for a key by its model, "YubiKey 5 NFC"; "" when the model is unknown or was not told. It is
// what the key says of itself: good for a name in a list, never for a decision.
func ModelName(d factors.Device) string {
	if d.Kind != Kind {
		return ""
	}
	r, err := readRecord(d)
	if err != nil || len(r.AAGUID) != 16 {
		return ""
	}
	h := hex.EncodeToString(r.AAGUID)
	return models()[h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]]
}
