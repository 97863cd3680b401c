package keys_test

import (
	"testing"
	"time"

	"barillet/oidc/keys"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_DecodeEveryVersion(t *testing.T) {
	then := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	storetest.Golden(t, store.SignKeys, nil, keys.Set{Keys: []keys.Key{{ID: "k1", Private: []byte{3, 4}, Created: then, NotBefore: then}}})
}
