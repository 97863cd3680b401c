package main

import (
	"bytes"
	"os"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// decode reads a document strictly: an unknown or repeated field is an error.
func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestKubernetes_FilesHaveOnlyFieldsOfTheAPIAndRunOneConfinedReplica(t *testing.T) {
	text, err := os.ReadFile("../deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var set appsv1.StatefulSet
	var config corev1.ConfigMap
	var secret corev1.Secret
	var service corev1.Service
	kinds := map[string]any{"StatefulSet": &set, "ConfigMap": &config, "Secret": &secret, "Service": &service}
	documents := bytes.Split(text, []byte("\n---\n"))
	for _, d := range documents {
		var head struct{ Kind string }
		if err := yaml.Unmarshal(d, &head); err != nil {
			t.Fatal(err)
		}
		decode(t, d, kinds[head.Kind])
	}
	if len(documents) != len(kinds) || set.Kind == "" || config.Kind == "" || secret.Kind == "" || service.Kind == "" {
		t.Fatalf("%d documents, want one of each kind", len(documents))
	}
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if *set.Spec.Replicas != 1 || !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser != imageUser || *pod.AutomountServiceAccountToken {
		t.Errorf("the pod is not one, confined: %+v", pod.SecurityContext)
	}
	if !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation || !slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the container is not confined: %+v", c.SecurityContext)
	}
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("probes: %+v, %+v", c.LivenessProbe, c.ReadinessProbe)
	}
	if set.Spec.Template.Labels["app"] != service.Spec.Selector["app"] || service.Spec.Ports[0].TargetPort.String() != c.Ports[0].Name {
		t.Errorf("the service does not select the pod")
	}
	volumes := []string{set.Spec.VolumeClaimTemplates[0].Name}
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, m := range c.VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			t.Errorf("no volume %s", m.Name)
		}
	}
	// The program itself reads the configuration.
	file := t.TempDir() + "/barillet.toml"
	if err := os.WriteFile(file, []byte(config.Data["barillet.toml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	checkConfig(t, file)
}

func TestCompose_RunsOneConfinedContainer(t *testing.T) {
	text, err := os.ReadFile("../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string            `json:"image"`
			Restart     string            `json:"restart"`
			ReadOnly    bool              `json:"read_only"`
			User        string            `json:"user"`
			CapDrop     []string          `json:"cap_drop"`
			SecurityOpt []string          `json:"security_opt"`
			StopGrace   string            `json:"stop_grace_period"`
			Ports       []string          `json:"ports"`
			Environment map[string]string `json:"environment"`
			Volumes     []string          `json:"volumes"`
			Networks    []string          `json:"networks"`
		} `json:"services"`
		Volumes  map[string]any `json:"volumes"`
		Networks map[string]any `json:"networks"`
	}
	decode(t, text, &file)
	s := file.Services["barillet"]
	if !s.ReadOnly || s.User != "65532:65532" || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.Volumes, []string{"data:/var/lib/barillet"}) {
		t.Errorf("the container is not confined, or has no volume: %+v", s)
	}
}

func TestPackage_ConfigurationIsAcceptedByTheProgram(t *testing.T) {
	text, err := debianConfig(runProgram(t, "config", "example"))
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/barillet.toml"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	checkConfig(t, file)
	if _, err := debianConfig([]byte("nothing")); err == nil {
		t.Error("an example without data is accepted")
	}
}
