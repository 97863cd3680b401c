package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tool builds a program of this module, which pins its version, and returns the path.
func (r *release) tool(pkg string) (string, error) {
	path := filepath.Join(r.work, "tools", filepath.Base(pkg))
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK=off")
	_, err := output(c)
	return path, err
}

// sboms writes a CycloneDX file for each program, from what the linker recorded in it.
func (r *release) sboms() error {
	cyclonedx, err := r.tool("github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod")
	if err != nil {
		return err
	}
	for _, t := range r.targets {
		out := filepath.Join(r.out, r.name(t.system, t.arch)+".cdx.json")
		c := exec.Command(cyclonedx, "bin", "-json", "-std", "-licenses", "-assert-licenses", "-noserial", "-notimestamp", "-version", "v"+r.version, "-output", out, t.program)
		c.Dir, c.Env = r.source, append(os.Environ(), "CI=true")
		if _, err := output(c); err != nil {
			return fmt.Errorf("listing the parts of the program for %s/%s: %w", t.system, t.arch, err)
		}
		if err := checkSBOM(out, t); err != nil {
			return err
		}
	}
	return nil
}

// checkSBOM checks that the file names every module of the program, each with a licence.
func checkSBOM(path string, t target) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var bom struct {
		Components []struct {
			Name, Version string
			Licenses      []json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	has := map[string]bool{}
	for _, c := range bom.Components {
		if c.Name != "std" && len(c.Licenses) == 0 {
			return fmt.Errorf("%s has no licence for %s", filepath.Base(path), c.Name)
		}
		has[c.Name+"@"+c.Version] = true
	}
	for _, m := range t.info.Deps {
		if !has[m.Path+"@"+m.Version] {
			return fmt.Errorf("%s lacks %s %s", filepath.Base(path), m.Path, m.Version)
		}
	}
	return nil
}

// vex writes an OpenVEX file with what govulncheck finds. A vulnerability that affects the program stops the release.
func (r *release) vex() error {
	if r.noVEX {
		return nil
	}
	govulncheck, err := r.tool("golang.org/x/vuln/cmd/govulncheck")
	if err != nil {
		return err
	}
	c := exec.Command(govulncheck, "-db", r.vulnDB, "-format", "openvex", "./cmd/barillet")
	c.Dir = r.source
	text, err := output(c)
	if err != nil {
		return fmt.Errorf("looking for known vulnerabilities: %w", err)
	}
	text, err = stampVEX(text, r.version, r.time)
	if err != nil {
		return err
	}
	return write(filepath.Join(r.out, r.name("vex")+".json"), text, 0o644)
}

// stampVEX names the product and the time of the commit in a VEX file.
func stampVEX(text []byte, version string, at time.Time) ([]byte, error) {
	product := "pkg:generic/barillet@" + version
	var doc struct {
		Context    string           `json:"@context"`
		ID         string           `json:"@id"`
		Author     string           `json:"author"`
		Timestamp  string           `json:"timestamp"`
		Version    int              `json:"version"`
		Tooling    string           `json:"tooling"`
		Statements []map[string]any `json:"statements"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the answer of govulncheck: %w", err)
	}
	if !strings.HasPrefix(doc.Context, "https://openvex.dev/ns") {
		return nil, errors.New("govulncheck answered no OpenVEX")
	}
	doc.ID, doc.Author, doc.Timestamp = "urn:barillet:vex:"+version, "The Barillet authors", at.Format(time.RFC3339)
	var affected []string
	if doc.Statements == nil {
		doc.Statements = []map[string]any{}
	}
	for _, s := range doc.Statements {
		if products, ok := s["products"].([]any); ok {
			for _, p := range products {
				if p, ok := p.(map[string]any); ok {
					p["@id"] = product
				}
			}
		}
		if s["status"] == "affected" {
			if v, ok := s["vulnerability"].(map[string]any); ok {
				affected = append(affected, fmt.Sprint(v["name"]))
			}
		}
	}
	if len(affected) > 0 {
		return nil, fmt.Errorf("known vulnerabilities affect the program: %s", strings.Join(affected, ", "))
	}
	return json.MarshalIndent(doc, "", "  ")
}
