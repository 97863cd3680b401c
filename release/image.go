package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// imageUser is the user and group of the image. The data directory belongs to it.
const imageUser = 65532

// image makes one OCI layout with an image for each Linux target.
func (r *release) image() error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	found := false
	for _, t := range r.targets {
		if t.system != "linux" {
			continue
		}
		found = true
		img, err := r.imageOf(t)
		if err != nil {
			return fmt.Errorf("making the image for %s: %w", t.arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: t.arch}}})
	}
	if !found {
		return nil
	}
	// One level more, so that a client loads all platforms under one name.
	top := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: index, Descriptor: v1.Descriptor{
		Annotations: map[string]string{"org.opencontainers.image.ref.name": r.version, "io.containerd.image.name": "localhost/barillet:" + r.version}}})
	dir := filepath.Join(r.work, "oci")
	if _, err := layout.Write(dir, top); err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	entries, err := entriesOf(dir)
	if err != nil {
		return err
	}
	packed, err := tarOf(entries, r.time)
	if err != nil {
		return err
	}
	return write(filepath.Join(r.out, r.name("oci")+".tar"), packed, 0o644)
}

// imageOf returns the image of a target: from scratch, with one layer.
func (r *release) imageOf(t target) (v1.Image, error) {
	program, err := os.ReadFile(t.program)
	if err != nil {
		return nil, err
	}
	licences, err := os.ReadFile(filepath.Join(r.docs, "LICENCES"))
	if err != nil {
		return nil, err
	}
	user := fmt.Sprintf("barillet:x:%d:%d:Barillet:/var/lib/barillet:/sbin/nologin\n", imageUser, imageUser)
	root, err := tarOf([]entry{
		{name: "etc/", mode: 0o755}, {name: "etc/passwd", mode: 0o644, text: []byte("root:x:0:0:root:/root:/sbin/nologin\n" + user)},
		{name: "etc/group", mode: 0o644, text: fmt.Appendf(nil, "root:x:0:\nbarillet:x:%d:\n", imageUser)},
		{name: "etc/ssl/", mode: 0o755}, {name: "etc/ssl/certs/", mode: 0o755}, {name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, text: roots()},
		{name: "tmp/", mode: 0o1777}, {name: "usr/", mode: 0o755}, {name: "usr/bin/", mode: 0o755}, {name: "usr/bin/barillet", mode: 0o755, text: program},
		{name: "usr/share/", mode: 0o755}, {name: "usr/share/doc/", mode: 0o755}, {name: "usr/share/doc/barillet/", mode: 0o755},
		{name: "usr/share/doc/barillet/LICENCES", mode: 0o644, text: licences},
		{name: "var/", mode: 0o755}, {name: "var/lib/", mode: 0o755}, {name: "var/lib/barillet/", mode: 0o700, owner: imageUser},
	}, r.time)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(root)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: r.time}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.Append(base, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: created, CreatedBy: "barillet " + r.version}})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = t.system, t.arch, created
	config.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", imageUser, imageUser), Entrypoint: []string{"/usr/bin/barillet"}, Cmd: []string{"serve"}, WorkingDir: "/",
		Env:          []string{"BARILLET_DATA=/var/lib/barillet", "BARILLET_LISTEN=:8080"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Volumes: map[string]struct{}{"/var/lib/barillet": {}}, StopSignal: "SIGTERM",
		Labels: map[string]string{"org.opencontainers.image.title": "barillet", "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.revision": r.commit, "org.opencontainers.image.licenses": "Apache-2.0"},
	}
	return mutate.ConfigFile(img, config)
}

// roots returns the certificates of Mozilla's list, without those that it limits by a date.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}
