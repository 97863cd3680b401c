package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const maxFile = 1 << 20 // bytes

// files is the origin of a certificate in two files.
type files struct {
	certificate, key, host string
	now                    func() time.Time
}

func (f *files) cached() (*tls.Certificate, error) { return f.read() }

// next returns the certificate of the files. Another one that has expired already is an error.
func (f *files) next(_ context.Context, current *tls.Certificate) (*tls.Certificate, error) {
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	if !c.Leaf.Equal(current.Leaf) && !f.now().Before(c.Leaf.NotAfter) {
		return nil, fmt.Errorf("certificate in %s expired on %s", f.certificate, c.Leaf.NotAfter.Format(time.DateOnly))
	}
	return c, nil
}

func (f *files) read() (*tls.Certificate, error) {
	key, err := readFile(f.key, 0o007)
	if err != nil {
		return nil, err
	}
	chain, err := readFile(f.certificate, 0)
	if err != nil {
		return nil, err
	}
	c, err := pair(chain, key, f.host)
	if err != nil {
		return nil, fmt.Errorf("reading certificate %s with key %s: %w", f.certificate, f.key, err)
	}
	return c, nil
}

// readFile returns the content of a file that has none of the forbidden mode bits.
func readFile(path string, forbidden os.FileMode) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Perm()&forbidden != 0:
		return nil, fmt.Errorf("file %s has mode %04o, which lets other users of the host use it: chmod 0600 or 0640", path, info.Mode().Perm())
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return content, nil
}

func (*files) pause(int) time.Duration { return interval }

func (*files) challenge(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("no challenge is open")
}

func (*files) answer(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "not found", http.StatusNotFound)
}
