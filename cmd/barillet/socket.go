package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/cmd/barillet/datadir"
	"barillet/web/api"
)

// maxSocketPath is the maximum length of a path in sockaddr_un (unix(7): 108 bytes with the final zero).
const maxSocketPath = 107

// socketPath returns a path of the admin socket that bind and connect accept. A path that is too long goes through a
// descriptor of the directory, which done closes.
func socketPath(data string) (path string, done func(), err error) {
	path = filepath.Join(data, datadir.SocketName)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(data)
	if err != nil {
		return "", nil, fmt.Errorf("opening data directory: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), datadir.SocketName), func() { dir.Close() }, nil
}

// dialSocket connects to the service that runs on a data directory. If none runs, the error wraps fs.ErrNotExist or
// syscall.ECONNREFUSED.
func dialSocket(ctx context.Context, data string) (net.Conn, error) {
	path, done, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// notListening reports whether dialSocket failed because no service runs.
func notListening(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// listenSocket creates the admin socket with mode 0600. It replaces an old socket only if no process listens on it.
func listenSocket(ctx context.Context, data string) (net.Listener, error) {
	switch conn, err := dialSocket(ctx, data); {
	case err == nil:
		conn.Close()
		return nil, fmt.Errorf("another process listens on %s", filepath.Join(data, datadir.SocketName))
	case errors.Is(err, syscall.ECONNREFUSED):
		if err := os.Remove(filepath.Join(data, datadir.SocketName)); err != nil {
			return nil, fmt.Errorf("removing old admin socket: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("connecting to admin socket: %w", err)
	}
	path, done, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	defer done()
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("creating admin socket: %w", err)
	}
	// The path may contain a descriptor that is closed at that time. The caller removes the socket.
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(filepath.Join(data, datadir.SocketName), 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("setting mode of admin socket: %w", err)
	}
	return listener, nil
}

// peerKey is the context key of the principal of a connection.
type peerKey struct{}

// socketServer serves the API to the operator. The kernel identifies the user at the other end (SO_PEERCRED, unix(7)).
func socketServer(handler http.Handler, log *slog.Logger) *http.Server {
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operator, ok := r.Context().Value(peerKey{}).(admin.Principal)
		if !ok {
			http.Error(w, "not the operator", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r.WithContext(api.WithPrincipal(r.Context(), operator)))
	}), log)
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		uid, err := peerUID(conn)
		if err != nil || uid != 0 && uid != os.Geteuid() {
			log.Warn("rejected connection to admin socket", "uid", uid, "error", err)
			return ctx
		}
		return context.WithValue(ctx, peerKey{}, operatorPrincipal(uid))
	}
	return server
}

// peerUID returns the Unix user at the other end of a connection.
func peerUID(conn net.Conn) (uid int, err error) {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return -1, errors.New("not a Unix socket")
	}
	control, err := local.SyscallConn()
	if err != nil {
		return -1, err
	}
	var asked error
	err = control.Control(func(fd uintptr) { uid, asked = peerOf(int(fd)) })
	if err := errors.Join(err, asked); err != nil {
		return -1, fmt.Errorf("reading peer credentials: %w", err)
	}
	return uid, nil
}

// operatorPrincipal returns the principal of the admin socket and of offline mode (protocol rules 11 and 20).
func operatorPrincipal(uid int) admin.Principal {
	id := "operator:" + strconv.Itoa(uid)
	name := id
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	return admin.Principal{ID: id, Name: name, Owner: id, Role: account.RoleSuperAdmin, Operator: true, CanSeeSecrets: true, CanSignInUsers: true}
}
