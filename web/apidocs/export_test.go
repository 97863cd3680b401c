package apidocs

import "io/fs"

// Compose is New with other files.
func Compose(files fs.FS, publicURL string) (*Document, error) { return compose(files, publicURL) }
