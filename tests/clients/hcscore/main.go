// hcscore drives one compute system through the part of Microsoft's hcsshim that speaks computecore.dll.
//
//	hcscore ID DOCUMENT
//
// Each step is a line of JSON: what was done, what went wrong, and what was seen. After "running" it waits for a line
// on stdin, so that others can look at the system meanwhile.
//
// That part is internal to hcsshim, and Go lets only modules below hcsshim's name import it: so this one has such a
// name, as hcsshim's own tests have.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	schema1 "github.com/Microsoft/hcsshim/internal/hcs/schema1"
	schema2 "github.com/Microsoft/hcsshim/internal/hcs/schema2"
	hcs "github.com/Microsoft/hcsshim/internal/hcs/v2"
)

const patience = 60 * time.Second

type line struct {
	Step  string `json:"step"`
	Error string `json:"error"` // "" for nothing
	Saw   any    `json:"saw"`
}

func say(step string, err error, saw any) {
	told := line{Step: step, Saw: saw}
	if err != nil {
		told.Error = err.Error()
	}
	if json.NewEncoder(os.Stdout).Encode(told) != nil {
		os.Exit(2)
	}
}

func main() {
	if len(os.Args) != 3 {
		os.Exit(2)
	}
	id, document := os.Args[1], json.RawMessage(os.Args[2])
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	system, err := hcs.CreateComputeSystem(ctx, id, document)
	say("create", err, nil)
	if err != nil {
		return
	}
	say("start", system.Start(ctx), nil)
	say("pause", system.Pause(ctx), nil)
	say("resume", system.Resume(ctx), nil)
	look(ctx, system)
	work(ctx, system)
	change(ctx, system)
	list(ctx)
	say("running", nil, nil)
	bufio.NewReader(os.Stdin).ReadString('\n')
	end(ctx, system, id, document)
}

// What it uses.
func look(ctx context.Context, system *hcs.System) {
	found, err := system.PropertiesV2(ctx, schema2.PTStatistics)
	moves := err == nil && found.Statistics != nil && found.Statistics.Uptime100ns > 0
	say("statistics", err, moves)
}

// A process reads to its end, writes, and ends by itself; another is killed.
func work(ctx context.Context, system *hcs.System) {
	made, err := system.CreateProcess(ctx, &schema2.ProcessParameters{
		CommandLine:      "more.com",
		CreateStdInPipe:  true,
		CreateStdOutPipe: true,
		CreateStdErrPipe: true,
	})
	say("process", err, nil)
	if err != nil {
		return
	}
	in, out, errors := made.Stdio()
	_, err = io.WriteString(in, "hello\n")
	say("write", err, nil)
	say("end of input", made.CloseStdin(ctx), nil)
	for _, stream := range []io.Reader{out, errors} {
		text, err := io.ReadAll(stream)
		say("read", err, string(text))
	}
	leave(made.Wait(), made)
	made, err = system.CreateProcess(ctx, &schema2.ProcessParameters{CommandLine: "ping -t 127.0.0.1"})
	say("process", err, nil)
	if err != nil {
		return
	}
	opened, err := system.OpenProcess(ctx, made.Pid())
	say("open", err, nil)
	if err == nil {
		say("close", opened.Close(), nil)
	}
	killed, err := made.Kill(ctx)
	say("kill", err, killed)
	leave(made.Wait(), made)
}

type process interface {
	ExitCode() (int, error)
	Close() error
}

func leave(waited error, made process) {
	say("wait", waited, nil)
	code, err := made.ExitCode()
	say("exit", err, code)
	say("close", made.Close(), nil)
}

func change(ctx context.Context, system *hcs.System) {
	say("change", system.Modify(ctx, &schema2.ModifySettingRequest{
		ResourcePath: "Container/Memory/SizeInMB",
		RequestType:  "Update",
		Settings:     1024,
	}), nil)
}

func list(ctx context.Context) {
	systems, err := hcs.GetComputeSystems(ctx, schema1.ComputeSystemQuery{Owners: []string{"hcsshim-test"}})
	found := []string{}
	for _, one := range systems {
		found = append(found, one.ID+" "+one.State)
	}
	say("list", err, found)
}

// Shut down, waited for, and gone; a second one, which was never started, is terminated.
func end(ctx context.Context, system *hcs.System, id string, document json.RawMessage) {
	say("shutdown", system.Shutdown(ctx), nil)
	say("wait", system.WaitCtx(ctx), nil)
	say("close", system.Close(), nil)
	_, err := hcs.OpenComputeSystem(ctx, id)
	say("gone", err, nil)
	second, err := hcs.CreateComputeSystem(ctx, id, document)
	say("create", err, nil)
	if err != nil {
		return
	}
	_, err = hcs.CreateComputeSystem(ctx, id, document)
	say("again", err, nil)
	say("terminate", second.Terminate(ctx), nil)
	say("wait", second.WaitCtx(ctx), nil)
	say("close", second.Close(), nil)
}
