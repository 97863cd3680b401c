package webauthn

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"barillet/factors"
)

// aaguids maps an AAGUID to a model. It is never complete: an unknown model is accepted.
//
//go:embed aaguids.json
var aaguids []byte

var models = sync.OnceValue(func() map[string]string {
	var m map[string]string
	if err := json.Unmarshal(aaguids, &m); err != nil {
		panic(fmt.Sprintf("aaguids.json: %v", err)) // embedded: a test reads it
	}
	return m
})

// ModelName returns the model of a key, such as "YubiKey 5 NFC", or "" if it is unknown. The key itself reports its model,
// so it may name a device in a list, but must not decide anything.
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
