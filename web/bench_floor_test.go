package web_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"go.etcd.io/bbolt"
	"golang.org/x/crypto/argon2"
)

// floor, a process of its own, is what this machine allows a careful program: net/http, argon2id behind a limiter, TOTP, and one
// group-committed write of bbolt a step. It counts nothing, audits nothing and seals nothing, and is no example.
type floor struct {
	db     *bbolt.DB
	queue  chan *floorWrite
	slots  chan struct{} // of argon2id
	secret string        // everybody's TOTP key
	salt   []byte
	hash   []byte // everybody's password
}

type floorWrite struct {
	fn   func(*bbolt.Tx) error
	done chan error
}

var (
	floorUsers    = []byte("users") // name -> last step
	floorLogins   = []byte("logins")
	floorSessions = []byte("sessions")

	errFloor = errors.New("refused")
)

// floorPlan is what a process with a floor begins with.
type floorPlan struct {
	Dir, Secret, Password string
	Users, Logins         []string // names; cookies of sign-ins of the first of them, each after the password
	Sessions              []string // cookies of sessions, of the same
}

// serveFloor is the process of a floor: it reads a plan, prints its address and serves until its input ends.
func serveFloor(in io.Reader, out io.Writer) error {
	debug.SetGCPercent(400) // as the program does
	lines := json.NewDecoder(in)
	var plan floorPlan
	if err := lines.Decode(&plan); err != nil {
		return err
	}
	db, err := bbolt.Open(filepath.Join(plan.Dir, "floor.db"), 0o600, &bbolt.Options{
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30})
	if err != nil {
		return err
	}
	f := &floor{db: db, queue: make(chan *floorWrite), slots: make(chan struct{}, min(runtime.GOMAXPROCS(0), 4)), secret: plan.Secret, salt: make([]byte, 16)}
	f.hash = f.argon2id(plan.Password)
	go f.write()
	if err := f.update(plan.found); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	go server.Serve(l)
	fmt.Fprintln(out, l.Addr())
	_, err = io.Copy(io.Discard, in)
	return err
}

func (p *floorPlan) found(tx *bbolt.Tx) error {
	for _, name := range [][]byte{floorUsers, floorLogins, floorSessions} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	for _, u := range p.Users {
		if err := tx.Bucket(floorUsers).Put([]byte(u), make([]byte, 128)); err != nil {
			return err
		}
	}
	for bucket, cookies := range map[string][]string{string(floorLogins): p.Logins, string(floorSessions): p.Sessions} {
		for i, cookie := range cookies {
			sum := sha256.Sum256([]byte(cookie))
			if err := tx.Bucket([]byte(bucket)).Put(sum[:], []byte(p.Users[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// write commits whatever came while the commit before was under way.
func (f *floor) write() {
	for first := range f.queue {
		tx, err := f.db.Begin(true)
		if err != nil {
			first.done <- err
			continue
		}
		group := []*floorWrite{}
		for w := first; w != nil; {
			if err := w.fn(tx); err != nil {
				w.done <- err
			} else {
				group = append(group, w)
			}
			select {
			case w = <-f.queue:
			default:
				w = nil
			}
		}
		err = tx.Commit()
		for _, w := range group {
			w.done <- err
		}
	}
}

func (f *floor) update(fn func(*bbolt.Tx) error) error {
	w := &floorWrite{fn, make(chan error, 1)}
	f.queue <- w
	return <-w.done
}

func (f *floor) argon2id(password string) []byte {
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	return argon2.IDKey([]byte(password), f.salt, 2, 19456, 1, 32)
}

func (f *floor) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				http.Error(w, "refused", http.StatusForbidden)
			}
		})
	}
	handle("POST /login", f.password)
	handle("POST /login/factor", f.factor)
	handle("GET /{$}", f.check)
	handle("POST /argon2id", func(w http.ResponseWriter, r *http.Request) error { // the raw limit: nothing else
		f.argon2id(r.PostFormValue("password"))
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	handle("GET /hello", func(w http.ResponseWriter, _ *http.Request) error { // net/http alone
		_, err := w.Write([]byte("hello"))
		return err
	})
	return mux
}

func (f *floor) password(w http.ResponseWriter, r *http.Request) error {
	name, hash := r.PostFormValue("identifier"), f.argon2id(r.PostFormValue("password"))
	if subtle.ConstantTimeCompare(hash, f.hash) != 1 || f.read(floorUsers, []byte(name)) == nil {
		return errFloor
	}
	cookie, key := floorSecret()
	if err := f.update(func(tx *bbolt.Tx) error { return tx.Bucket(floorLogins).Put(key, []byte(name)) }); err != nil {
		return err
	}
	floorGo(w, "login", cookie, "/login/factor")
	return nil
}

func (f *floor) factor(w http.ResponseWriter, r *http.Request) error {
	was := floorKey(r, "login")
	name := f.read(floorLogins, was)
	step := f.step(r.PostFormValue("code"))
	if name == nil || step == 0 {
		return errFloor
	}
	cookie, key := floorSecret()
	err := f.update(func(tx *bbolt.Tx) error {
		user := tx.Bucket(floorUsers).Get(name)
		if user == nil || binary.BigEndian.Uint64(user) >= step { // RFC 6238 §5.2
			return errFloor
		}
		user = append([]byte(nil), user...)
		binary.BigEndian.PutUint64(user, step)
		return errors.Join(tx.Bucket(floorUsers).Put(name, user), tx.Bucket(floorLogins).Delete(was), tx.Bucket(floorSessions).Put(key, name))
	})
	if err != nil {
		return err
	}
	floorGo(w, "session", cookie, "/account")
	return nil
}

func (f *floor) check(w http.ResponseWriter, r *http.Request) error {
	name := f.read(floorSessions, floorKey(r, "session"))
	if name == nil || f.read(floorUsers, name) == nil {
		return errFloor
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (f *floor) step(code string) uint64 {
	cur := uint64(time.Now().Unix()) / 30
	for step := cur - 1; step <= cur+1; step++ {
		want, err := hotp.GenerateCodeCustom(f.secret, step, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step
		}
	}
	return 0
}

func (f *floor) read(bucket, key []byte) (value []byte) {
	f.db.View(func(tx *bbolt.Tx) error {
		value = append(value, tx.Bucket(bucket).Get(key)...)
		return nil
	})
	return value
}

func floorSecret() (cookie string, key []byte) {
	raw := make([]byte, 32)
	rand.Read(raw)
	cookie = base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(cookie))
	return cookie, sum[:]
}

func floorKey(r *http.Request, name string) []byte {
	c, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(c.Value))
	return sum[:]
}

func floorGo(w http.ResponseWriter, cookie, value, to string) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: value, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
