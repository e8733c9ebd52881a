using System.Globalization;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class Working_hours
{
    private static WorkingHours<Fence> Office(string zone = "Europe/Berlin") => new("hours", zone) { Holidays = new HashSet<DateOnly> { new(2026, 12, 25) } };

    [Theory]
    [InlineData("2026-01-15T06:59:59Z", false)] // Thursday, 07:59:59 in winter
    [InlineData("2026-01-15T07:00:00Z", true)]
    [InlineData("2026-01-15T16:59:59Z", true)]
    [InlineData("2026-01-15T17:00:00Z", false)]
    [InlineData("2026-07-16T05:59:59Z", false)] // Thursday, in summer an hour earlier by UTC
    [InlineData("2026-07-16T06:00:00Z", true)]
    [InlineData("2026-07-16T16:00:00Z", false)]
    [InlineData("2026-03-27T06:30:00Z", false)] // the Friday before the clocks go forward, 07:30
    [InlineData("2026-03-30T06:30:00Z", true)] // the Monday after, 08:30
    [InlineData("2026-10-23T06:30:00Z", true)] // the Friday before they go back, 08:30
    [InlineData("2026-10-26T06:30:00Z", false)] // the Monday after, 07:30
    [InlineData("2026-01-17T10:00:00Z", false)] // Saturday
    [InlineData("2026-12-24T10:00:00Z", true)]
    [InlineData("2026-12-25T10:00:00Z", false)] // a holiday
    [InlineData("2026-01-15T08:00:00+01:00", true)] // any offset
    public void Are_those_of_the_wall_clock(string at, bool within) => Assert.Equal(within, Office().Contains(DateTimeOffset.Parse(at, CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("2026-12-24T23:30:00Z", false)] // 00:30 on the holiday in Berlin
    [InlineData("2026-12-25T23:30:00Z", true)] // 00:30 on the day after
    public void Take_holidays_by_the_calendar_of_the_zone(string at, bool within)
    {
        var hours = new WorkingHours<Fence>("hours", "Europe/Berlin") { From = new(0, 0), To = new(0, 0), Days = Enum.GetValues<DayOfWeek>(), Holidays = new HashSet<DateOnly> { new(2026, 12, 25) } };
        Assert.Equal(within, hours.Contains(DateTimeOffset.Parse(at, CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("2026-01-16T21:00:00Z", true)] // Friday 22:00
    [InlineData("2026-01-17T04:59:00Z", true)] // Saturday 05:59 of Friday's shift
    [InlineData("2026-01-17T05:00:00Z", false)]
    [InlineData("2026-01-17T22:00:00Z", false)] // Saturday 23:00
    [InlineData("2026-01-19T04:00:00Z", false)] // Monday 05:00 of Sunday's shift
    [InlineData("2026-12-25T22:00:00Z", false)] // 23:00 on the holiday
    [InlineData("2026-12-26T04:00:00Z", false)] // 05:00 of the holiday's shift
    [InlineData("2026-12-25T04:00:00Z", true)] // 05:00 on the holiday, of the shift that began the day before
    public void Of_a_night_shift_belong_to_the_day_on_which_it_began(string at, bool within)
    {
        var night = new WorkingHours<Fence>("hours", "Europe/Berlin") { From = new(22, 0), To = new(6, 0), Holidays = new HashSet<DateOnly> { new(2026, 12, 25) } };
        Assert.Equal(within, night.Contains(DateTimeOffset.Parse(at, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Ask_a_person_outside_or_refuse()
    {
        var night = DateTimeOffset.Parse("2026-01-15T02:00:00Z", CultureInfo.InvariantCulture);
        var office = Office();
        Assert.Equal(
            PolicyVerdict.Ask("it is outside working hours (Monday, Tuesday, Wednesday, Thursday, Friday, 08:00 to 18:00, Europe/Berlin; not on holidays)"), office.Judge(Fences.Proposed("192.0.2.7", at: night)));
        Assert.Equal(
            PolicyVerdict.Allow("it is within working hours (Monday, Tuesday, Wednesday, Thursday, Friday, 08:00 to 18:00, Europe/Berlin)"), office.Judge(Fences.Proposed("192.0.2.7", at: night.AddHours(9))));
        Assert.Equal(PolicyVerdictKind.Refuse, new WorkingHours<Fence>("hours", "UTC") { Outside = PolicyVerdictKind.Refuse }.Judge(Fences.Proposed("192.0.2.7", at: night))!.Kind);
        Assert.Null(office.Judge(Fences.Proposed("192.0.2.7", at: night, undo: true)));
    }

    [Fact]
    public void Name_a_zone_that_is_not_there_and_refuse_what_cannot_be_judged()
    {
        var nowhere = Office("Europe/Nowhere");
        Assert.Equal(["there is no time zone 'Europe/Nowhere' here; it takes an IANA name such as Europe/Berlin, and the machine's time zone data."], nowhere.Faults());
        Assert.Throws<InvalidOperationException>(() => nowhere.Contains(default));
    }

    [Fact]
    public async Task Go_by_the_clock_of_the_engine_and_what_was_approved_outside_them_is_done_outside_them()
    {
        // 2026-01-01 is a Thursday; the bench's clock stands at midnight UTC.
        await using var bench = await Fences.StartAsync(box => box.AddPolicy(new WorkingHours<Fence>("hours", "UTC")));
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync(Fences.Of("192.0.2.7"))).Status);
        Assert.Equal(["hours: it is outside working hours (Monday, Tuesday, Wednesday, Thursday, Friday, 08:00 to 18:00, UTC)"], (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Why!);
        await bench.AnswerAsync("approve");
        await bench.DriveAsync();
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);
        Assert.Single(await bench.EntriesAsync(EntryKinds.PolicyJudged));

        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(10));
        await bench.DriveAsync(Fences.Of("192.0.2.8"));
        Assert.Equal(["Verified"], (await bench.NoteAsync()).Lines!);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.ApprovalRequested));
    }
}
