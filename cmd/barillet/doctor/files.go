package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"barillet/internal/diskspace"
	"barillet/store"
)

// owner returns the user that owns a file.
func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// userName returns the name of a user, or its number.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// quote returns a path as an argument of a shell.
func quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:@%,") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// checkFiles checks the files of the data directory and of the configuration. It reports whether the store can be opened.
func (s *Setup) checkFiles(r *Report) (ready bool) {
	info, err := os.Stat(s.Data)
	switch {
	case s.Data == "":
		r.fail("files.data", "set --data DIR, BARILLET_DATA, or data in the configuration file", "the data directory is not set")
		return false
	case errors.Is(err, fs.ErrNotExist):
		r.fail("files.data", "start the service, which makes it, or correct data in the configuration", "there is no data directory %s", s.Data)
		return false
	case err != nil:
		r.fail("files.data", "run this command as root, or as the user of the service: sudo barillet check", "reading the data directory: %v", err)
		return false
	case !info.IsDir():
		r.fail("files.data", "correct data in the configuration", "%s is no directory", s.Data)
		return false
	}
	r.ok("files.data", "%s is there", s.Data)
	uid := owner(info)
	if me := os.Geteuid(); me != 0 && me != uid {
		r.fail("files.user", "sudo -u "+userName(uid)+" barillet check", "this command runs as %s, and the data directory belongs to %s", userName(me), userName(uid))
		return false // what follows would be wrong for want of permission
	}
	r.ok("files.user", "the data directory belongs to %s", userName(uid))
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		r.fail("files.dirmode", "chmod 0700 "+quote(s.Data), "the data directory %s has mode %04o: others can read or change what is in it", s.Data, mode)
	} else {
		r.ok("files.dirmode", "%s has mode %04o", s.Data, mode)
	}
	s.checkDataFiles(r, uid)
	s.checkConfigFile(r, uid)
	s.checkPasswordFile(r, uid)
	return s.checkKeyAndStore(r)
}

// checkDataFiles checks owner and mode of the files that the service needs to read and write.
func (s *Setup) checkDataFiles(r *Report, uid int) {
	paths := []string{s.Store, s.Key, s.Store + ".open", filepath.Join(s.Data, diskspace.ReserveName), filepath.Join(s.Data, "setup-link")}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue // what must exist is checked elsewhere
		}
		if of := owner(info); of != uid {
			r.fail("files.owner", fmt.Sprintf("chown %s %s", userName(uid), quote(path)), "%s belongs to %s, and the data directory to %s: the service cannot open it",
				path, userName(of), userName(uid))
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			r.fail("files.mode", "chmod 0600 "+quote(path)+", and ask who has read it", "%s has mode %04o: others can read or change it", path, mode)
		}
	}
	if !r.has("files.owner") {
		r.ok("files.owner", "the files belong to %s", userName(uid))
	}
	if !r.has("files.mode") {
		r.ok("files.mode", "the files are open to their owner only")
	}
	if info, err := os.Lstat(s.Store); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(s.Store)
		if err != nil {
			target = "its target"
		}
		r.fail("files.link", fmt.Sprintf("stop the service, then: mv %s %s", quote(target), quote(s.Store)),
			"the store file %s is a symbolic link: compact and restore would replace the link", s.Store)
	} else {
		r.ok("files.link", "the store file is no link")
	}
}

// checkConfigFile checks who can change the configuration: it decides where mails go, and whom the service trusts.
func (s *Setup) checkConfigFile(r *Report, uid int) {
	if s.ConfigFile == "" {
		r.skip("files.config", "there is no configuration file")
		return
	}
	info, err := os.Stat(s.ConfigFile)
	switch {
	case err != nil:
		r.fail("files.config", "restore the file", "reading the configuration file: %v", err)
	case info.Mode().Perm()&0o022 != 0:
		r.fail("files.config", "chmod go-w "+quote(s.ConfigFile), "%s has mode %04o: others can change it", s.ConfigFile, info.Mode().Perm())
	case owner(info) != 0 && owner(info) != uid:
		r.fail("files.config", "chown root "+quote(s.ConfigFile), "%s belongs to %s", s.ConfigFile, userName(owner(info)))
	default:
		r.ok("files.config", "only %s can change %s", userName(owner(info)), s.ConfigFile)
	}
}

// checkPasswordFile checks the file that contains the password of the mail server.
func (s *Setup) checkPasswordFile(r *Report, uid int) {
	path := s.PasswordFile
	if path == "" {
		r.skip("files.password", "smtp.password_file is not set")
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.fail("files.password", fmt.Sprintf("write the password to the file: install -m 0600 -o %s /dev/stdin %s", userName(uid), quote(path)), "smtp.password_file: %v", err)
	case info.Mode().Perm()&0o077 != 0:
		r.fail("files.password", "chmod 0600 "+quote(path)+", and change the password at the mail server", "%s has mode %04o: others can read the password", path, info.Mode().Perm())
	case owner(info) != uid:
		r.fail("files.password", fmt.Sprintf("chown %s %s", userName(uid), quote(path)), "%s belongs to %s: the service cannot read it", path, userName(owner(info)))
	case info.Size() == 0:
		r.fail("files.password", fmt.Sprintf("write the password to %s", quote(path)), "%s is empty", path)
	default:
		r.ok("files.password", "only %s can read %s", userName(uid), path)
	}
}

// checkKeyAndStore checks that both files exist and that the key file is whole.
func (s *Setup) checkKeyAndStore(r *Report) (ready bool) {
	keyOK, storeOK := false, false
	_, err := store.ReadKeyFile(s.Key)
	info, statErr := os.Stat(s.Store)
	switch {
	case errors.Is(err, store.ErrNoKeyFile):
		r.fail("keys.file", fmt.Sprintf("put your copy of the key file back as %s; a new one cannot open the store", quote(s.Key)), "there is no key file %s", s.Key)
	case errors.Is(err, store.ErrKeyFileMode):
		r.skip("keys.file", "the mode of the key file is wrong")
	case err != nil:
		r.fail("keys.file", fmt.Sprintf("put your copy of the key file back as %s", quote(s.Key)), "%v", err)
	default:
		keyOK = true
		r.ok("keys.file", "%s is whole", s.Key)
	}
	const lost = "restore the last backup of the store as "
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		r.fail("store.file", lost+quote(s.Store)+"; if there never was one, move the key file away and start the service", "there is no store %s", s.Store)
	case statErr != nil:
		r.fail("store.file", "run this command as root, or as the user of the service", "reading the store: %v", statErr)
	case info.Size() == 0:
		r.fail("store.file", lost+quote(s.Store), "the store %s is empty", s.Store)
	default:
		storeOK = true
		r.ok("store.file", "%s has %s", s.Store, store.Size(info.Size()))
	}
	return keyOK && storeOK
}

// checkDisk checks the free space. The sizes are those of package diskspace: below three reserves, space is low.
func (s *Setup) checkDisk(r *Report) {
	state, err := diskspace.Measure(s.Data)
	switch {
	case err != nil:
		r.fail("disk.space", "check the disk of "+quote(s.Data), "%v", err)
	case state.Low:
		r.fail("disk.space", fmt.Sprintf("make room on the disk: df -h %s; du -xh --max-depth=2 / | sort -h | tail", quote(s.Data)),
			"free space is low: %s", store.Size(state.Free+state.Reserved))
	default:
		r.ok("disk.space", "%s are free", store.Size(state.Free+state.Reserved))
	}
}
