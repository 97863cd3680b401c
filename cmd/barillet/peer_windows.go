package main

import "errors"

func peerOf(int) (uid int, err error) { return -1, errors.ErrUnsupported }
