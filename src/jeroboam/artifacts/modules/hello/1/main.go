// Hello is a small workload for trying a cluster out: a web server that says where it runs, and a client.
//
//	hello serve [-port 8080]       answer every request with {"host", "node", "path"} as JSON
//	hello get URL [-times N]       print the answers; exit 1 when one fails
//	hello lookup NAME              print the addresses of a name
//	hello sleep                    wait until told to end
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const deadline = 10 * time.Second

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: hello serve|get|lookup|sleep"))
	}
	commands := map[string]func([]string) error{"serve": serve, "get": get, "lookup": lookup, "sleep": sleep}
	command, known := commands[os.Args[1]]
	if !known {
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
	if err := command(os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "hello:", err)
	os.Exit(1)
}

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	port := flags.Int("port", 8080, "port to listen on")
	_ = flags.Parse(args)
	host, _ := os.Hostname()
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"host": host, "node": os.Getenv("NODE_NAME"), "path": r.URL.Path})
	}
	server := &http.Server{Addr: fmt.Sprintf(":%d", *port), Handler: http.HandlerFunc(handler), ReadHeaderTimeout: deadline}
	go func() { wait(); _ = server.Close() }()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func get(args []string) error {
	times := 1
	if len(args) == 3 && args[1] == "-times" {
		if _, err := fmt.Sscan(args[2], &times); err != nil {
			return err
		}
	} else if len(args) != 1 {
		return fmt.Errorf("usage: hello get URL [-times N]")
	}
	// A new connection each time, so that a Service may choose another pod.
	client := &http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := 0; i < times; i++ {
		response, err := client.Get(args[0])
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", response.Status, body)
		}
		fmt.Println(strings.TrimSpace(string(body)))
	}
	return nil
}

func lookup(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: hello lookup NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, args[0])
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(addresses, "\n"))
	return nil
}

func sleep([]string) error {
	wait()
	return nil
}

func wait() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
}
