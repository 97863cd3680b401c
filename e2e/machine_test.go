package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Machine is a bare Debian in a container, with a file system, processes, a network and a systemd of its own.
type Machine struct {
	Root string     // its file system, seen from here
	Addr netip.Addr // its address
	Host netip.Addr // the address of this host, seen from the machine

	tb      testing.TB
	name    string
	command *exec.Cmd
	console *logBuffer
	leader  string // the process that is its systemd
}

// bareDebian is the file system that each machine copies, made once a run.
var bareDebian struct {
	once   sync.Once
	folder string
	err    error
}

// machines counts the machines of this process: each has a network of its own.
var machines struct {
	sync.Mutex
	made int
}

// BootMachine boots a new Debian that has only what a minimal installation with systemd has. It halts when the test ends.
func BootMachine(tb testing.TB) *Machine {
	tb.Helper()
	bareDebian.once.Do(func() {
		if bareDebian.folder, bareDebian.err = os.MkdirTemp("", "barillet-debian-"); bareDebian.err != nil {
			return
		}
		// The release of this host is one whose keys it has.
		out, err := exec.Command("sh", "-euc", `. /etc/os-release; mmdebstrap --quiet --variant=minbase --include=systemd-sysv "$VERSION_CODENAME" "$0"`,
			filepath.Join(bareDebian.folder, "root")).CombinedOutput()
		if err != nil {
			bareDebian.err = fmt.Errorf("mmdebstrap: %w\n%s", err, out)
		}
	})
	if bareDebian.err != nil {
		tb.Fatalf("making a Debian: %v", bareDebian.err)
	}
	machines.Lock()
	machines.made++
	number := machines.made
	machines.Unlock()
	// The process and the number make the network one that no other test of this host has.
	net := byte(os.Getpid())
	m := &Machine{tb: tb, Root: filepath.Join(tb.TempDir(), "root"), name: fmt.Sprintf("b%d-%d", os.Getpid(), number), console: &logBuffer{},
		Host: netip.AddrFrom4([4]byte{10, 207, net, byte(number*4 + 1)}), Addr: netip.AddrFrom4([4]byte{10, 207, net, byte(number*4 + 2)})}
	m.host("cp", "-a", filepath.Join(bareDebian.folder, "root"), m.Root)
	m.boot()
	return m
}

// boot starts the machine and waits until its systemd has started all that it shall.
func (m *Machine) boot() {
	m.tb.Helper()
	m.command = exec.Command("systemd-nspawn", "--quiet", "--directory="+m.Root, "--boot", "--register=no", "--keep-unit", "--network-veth", "--machine="+m.name,
		"--console=pipe", "--link-journal=no")
	m.command.Stdout, m.command.Stderr = m.console, m.console
	if err := m.command.Start(); err != nil {
		m.tb.Fatalf("booting a machine: %v", err)
	}
	m.tb.Cleanup(m.halt)
	deadline := time.Now().Add(patience)
	for m.leader == "" {
		if m.leader = childOf(m.command.Process.Pid); m.leader == "" && time.Now().After(deadline) {
			m.tb.Fatalf("the machine does not boot:\n%s", m.console)
		} else if m.leader == "" {
			time.Sleep(50 * time.Millisecond)
		}
	}
	m.host("ip", "address", "add", m.Host.String()+"/30", "dev", "ve-"+m.name)
	m.host("ip", "link", "set", "ve-"+m.name, "up")
	for _, args := range []string{"address add " + m.Addr.String() + "/30 dev host0", "link set host0 up", "route add default via " + m.Host.String()} {
		m.host("nsenter", append([]string{"--target", m.leader, "--net", "ip"}, strings.Fields(args)...)...)
	}
	for {
		out, _ := m.Try("systemctl is-system-running --wait")
		if state := strings.TrimSpace(out); state == "running" || state == "degraded" {
			return
		}
		if time.Now().After(deadline) {
			m.tb.Fatalf("the machine does not start: %s\n%s", out, m.console)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// childOf returns the child of a systemd-nspawn that is the first process of a container, or "".
func childOf(parent int) string {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", parent))
	if err != nil {
		return ""
	}
	for _, child := range strings.Fields(string(children)) {
		status, err := os.ReadFile("/proc/" + child + "/status")
		if err == nil && bytes.Contains(status, []byte("\nName:\tsystemd\n")) || bytes.HasPrefix(status, []byte("Name:\tsystemd\n")) {
			return child
		}
	}
	return ""
}

// host runs a command of this host.
func (m *Machine) host(name string, args ...string) {
	m.tb.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		m.tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// Try runs a script in the machine as root, and returns what it prints and its exit code.
func (m *Machine) Try(script string) (out string, code int) {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "nsenter", "--target", m.leader, "--all", "--root", "--wd", "/bin/sh", "-euc", script)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
	all, err := c.CombinedOutput()
	if exit, is := err.(*exec.ExitError); is && ctx.Err() == nil {
		return string(all), exit.ExitCode()
	}
	if err != nil {
		m.tb.Fatalf("running %q in the machine: %v\n%s", script, err, all)
	}
	return string(all), 0
}

// Sh runs a script in the machine as root and returns what it prints. It fails the test if the script fails.
func (m *Machine) Sh(script string) string {
	m.tb.Helper()
	out, code := m.Try(script)
	if code != 0 {
		m.tb.Fatalf("exit code %d of %q:\n%s", code, script, out)
	}
	return out
}

// halt shuts the machine down, as its power button does.
func (m *Machine) halt() {
	done := make(chan error, 1)
	go func() { done <- m.command.Wait() }()
	_ = m.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(patience):
		m.tb.Errorf("the machine does not halt:\n%s", m.console)
		if leader, err := strconv.Atoi(m.leader); err == nil {
			_ = syscall.Kill(leader, syscall.SIGKILL)
		}
		_ = m.command.Process.Kill()
		<-done
	}
}
