package storetest_test

import (
	"testing"

	"barillet/store"
	"barillet/store/storetest"
)

func TestGolden_DecodesEveryVersion(t *testing.T) {
	kind := store.Users
	kind.Version = 2
	applied := 0
	rename := store.Upgrade{From: 1, Apply: func(record any) (any, error) {
		applied++
		return map[any]any{"Name": record.(map[any]any)["Called"]}, nil
	}}
	storetest.Golden(t, kind, []store.Upgrade{rename}, struct{ Name string }{"Zoe"})
	if applied != 1 {
		t.Errorf("the upgrade was applied %d times, want once: to the first version only", applied)
	}
}
