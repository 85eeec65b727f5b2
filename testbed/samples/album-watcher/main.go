// Command watcher says whether the albums' database answers, and how many machines serve it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
)

var version = "dev"

// A build changes this line and no other.
const change = "none"

func main() {
	if len(os.Args) < 2 {
		fmt.Println(version, change, grpc.Version)
		return
	}
	if _, err := pgx.Connect(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answer, err := ec2.New(ec2.Options{}).DescribeInstances(context.Background(), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(answer.Reservations))
}
