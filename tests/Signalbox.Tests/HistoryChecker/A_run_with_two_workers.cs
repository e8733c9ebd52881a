using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_run_with_two_workers
{
    [Fact]
    public void Shows_an_epoch_that_falls()
    {
        Assert.Equal(["I2 r-a seq 15: expected an epoch not below 2; got 1"], GoodHistory.Write().Change("r-a", 15, e => e with { Epoch = 1 }).Change("r-a", 16, e => e with { Epoch = 2 }).Check());
    }

    [Fact]
    public void Shows_an_epoch_that_rises_without_a_lease()
    {
        Assert.Equal(["I2 r-a seq 5: expected epoch 1 until the next lease; got 2"], GoodHistory.Write().Change("r-a", 5, e => e with { Epoch = 2 }).Change("r-a", 12, e => e with { Epoch = 3 }).Check());
    }

    [Fact]
    public void Shows_an_epoch_that_was_left_out()
    {
        Assert.Equal(["I2 r-a seq 12: expected a lease under epoch 2; got 3"], GoodHistory.Write().Change("r-a", 12, e => e with { Epoch = 3 }).Check());
    }

    [Fact]
    public void Shows_two_leases_under_one_epoch()
    {
        Assert.Equal(
            ["I2 r-a seq 12: expected a lease under epoch 2; got one by 'worker:w-2' under epoch 1, which belongs to 'worker:w-1'"],
            GoodHistory.Write().Change("r-a", 12, e => e with { Epoch = 1 }).Change("r-a", 16, e => e with { Actor = "worker:w-1" }).Check());
    }

    [Fact]
    public void Shows_an_entry_by_a_worker_whose_epoch_it_is_not()
    {
        Assert.Equal(
            ["I2 r-a seq 16: expected epoch 2 to be written by 'worker:w-2' alone; got an entry by 'worker:w-1'"],
            GoodHistory.Write().Change("r-a", 16, e => e with { Actor = "worker:w-1" }).Check());
    }

    [Fact]
    public void Shows_a_lease_in_the_name_of_another()
    {
        Assert.Equal(
            ["I2 r-a seq 18: expected the lease of 'w-1' to be written by it; got 'worker:w-9'"],
            GoodHistory.Write().Change("r-a", 18, e => e with { Actor = "worker:w-9" }).Check());
    }
}
