package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"barillet/internal/secret"
)

func TestValue_IsRedacted(t *testing.T) {
	s := secret.From("mot-de-passage")
	raw, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", struct{ S secret.Value }{s})
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v", struct{ S secret.Value }{s}),
		fmt.Sprintf("%v %+v %#v", struct{ s secret.Value }{s}, struct{ s secret.Value }{s}, &struct{ s []secret.Value }{[]secret.Value{s}}),
		string(raw), log.String(), fmt.Errorf("with %v", s).Error()} {
		if strings.Contains(printed, "passage") || strings.Contains(printed, fmt.Sprintf("%x", "passage")) {
			t.Errorf("printed as %s", printed)
		}
	}
	if a, b := secret.New(), secret.New(); a.Equal(b) || len(a.Reveal()) != 43 {
		t.Error("two new values are equal or have a wrong length")
	}
}
