package authntest_test

import (
	"testing"
	"time"

	"barillet/authn/authntest"
)

// The secret and the codes are those of RFC 6238, appendix B, cut to six digits.
func TestPhone_CodeAt(t *testing.T) {
	phone := authntest.Phone{Env: &authntest.Env{T: t}, Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := string(phone.CodeAt(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
}
