package idempotency

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/store"
	"barillet/store/storetest"
)

func TestAnswer_DecodesEveryVersion(t *testing.T) {
	storetest.Golden(t, store.Idempotency, nil, Answer{Claim: "WJ5K7XQ2", Digest: []byte{1, 2, 3}, Status: 200,
		Body: json.RawMessage(`{"id":"g1"}`), Expires: time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC)})
}
