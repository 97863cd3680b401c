package manage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// Backup returns the command that makes a backup. The program adds the one that verifies it.
func (m *CLI) Backup() *cobra.Command {
	c := &cobra.Command{
		Use: "backup FILE", Short: "write a backup of the store to a new file, while the service goes on",
		Long: "Writes a backup to a new file with mode 0600, or to stdout if FILE is -. The service checks it before it sends it, and encrypts it\n" +
			"to the recipients of its configuration. No backup has the key file: keep a copy of that elsewhere.",
		Args: cli.ExactArgs("FILE"),
	}
	c = m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if args[0] == "-" {
			_, err := s.download(ctx, "/backup", m.Stdout)
			return err
		}
		size, err := createBackup(args[0], func(w io.Writer) (int64, error) { return s.download(ctx, "/backup", w) })
		if err != nil {
			return err
		}
		if m.JSON {
			return m.Result(map[string]any{"file": args[0], "size": size})
		}
		m.Note("wrote a backup of %d bytes to %s", size, args[0])
		return nil
	})
	c.ValidArgsFunction = nil
	return c
}

// createBackup writes a new file, which has its name only when it is complete and durable.
func createBackup(name string, write func(io.Writer) (int64, error)) (size int64, err error) {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return 0, errors.Join(fmt.Errorf("creating file: %s exists", name), err)
	}
	part := name + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return 0, cli.WithHint(fmt.Errorf("creating file: %s exists", part), "another command writes it, or was stopped: then remove it")
	}
	if err != nil {
		return 0, fmt.Errorf("creating file: %w", err)
	}
	if size, err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(name))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return 0, fmt.Errorf("making %s durable: %w", name, err)
	}
	return size, nil
}

// download calls POST and copies the response. It has no time limit: the service sends nothing until the backup is checked.
func (c *Client) download(ctx context.Context, path string, w io.Writer) (int64, error) {
	request, err := c.request(ctx, http.MethodPost, path, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "application/octet-stream, application/problem+json")
	unlimited := *c.http
	unlimited.Timeout = 0
	response, err := unlimited.Do(request)
	if err != nil {
		return 0, fmt.Errorf("calling the service: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, err := readResponse(response)
		return 0, err
	}
	size, err := io.Copy(w, response.Body)
	if err != nil {
		return size, fmt.Errorf("receiving the backup, which is incomplete: %w", err)
	}
	return size, nil
}
