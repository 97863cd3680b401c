package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"barillet/internal/secret"
	"barillet/web/api"
)

// BenchmarkToken measures the authentication of a token.
func BenchmarkToken(b *testing.B) {
	d := open(b)
	secret := secret.From(d.admin())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Directory.Admin.Authenticate(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetUser reads a user by id as the operator, who has no rate limit.
func BenchmarkGetUser(b *testing.B) {
	d := open(b)
	u := d.CreateUser("zoe@garage.example", nil)
	r := httptest.NewRequest("GET", "/api/v1/users/"+string(u.ID), nil)
	benchmark(b, d, r)
}

// BenchmarkListUsers reads a page of 200 users.
func BenchmarkListUsers(b *testing.B) {
	d := open(b)
	for i := range 200 {
		d.CreateUser("p"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@garage.example", nil)
	}
	benchmark(b, d, httptest.NewRequest("GET", "/api/v1/users", nil))
}

func benchmark(b *testing.B, d *apiEnv, r *http.Request) {
	r = r.WithContext(api.WithPrincipal(r.Context(), operator))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		d.API.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}
