package e2e_test

import "testing"

func TestMachineProto(t *testing.T) {
	m := BootMachine(t)
	t.Log(m.Sh("uname -a; cat /etc/debian_version; ps 2>&1 | head -3; systemctl --failed; ls /sys/class/net; id; pwd; systemctl list-units --type=service --no-pager | head -20"))
	m.host("ping", "-c1", m.Addr.String())
}
