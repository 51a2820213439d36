/*
How far did each sector fall on the ten worst days, and did it fall further than bitcoin?

One row is one of the ten days on which the median asset fell most, the worst first: bitcoin's return, then the
equal-weighted return of each sector. The further the sectors are below bitcoin, the more leverage was in small coins; if
all fall alike, everything was sold together. deepest_sector and worst_asset name the hardest hit.

- The baskets are tidemark's own and small: one asset can dominate its sector.
- Returns are from close to close (midnight UTC): a fall that was recovered by then does not show.
*/
with

worst as (
    select date, median(return_1d) as median_return
    from asset_daily
    where sector is not null
    group by date
    having count(return_1d) >= 5
    order by median_return, date
    limit 10
)

select
    worst.date,
    round(worst.median_return, 4) as median_return,
    round(any_value(bitcoin.return_1d), 4) as bitcoin,
    round(max(sectors.return_1d) filter (where sectors.sector = 'major'), 4) as major,
    round(max(sectors.return_1d) filter (where sectors.sector = 'l1'), 4) as l1,
    round(max(sectors.return_1d) filter (where sectors.sector = 'l2'), 4) as l2,
    round(max(sectors.return_1d) filter (where sectors.sector = 'ai'), 4) as ai,
    round(max(sectors.return_1d) filter (where sectors.sector = 'defi'), 4) as defi,
    round(max(sectors.return_1d) filter (where sectors.sector = 'meme'), 4) as meme,
    round(max(sectors.return_1d) filter (where sectors.sector = 'other'), 4) as other,
    arg_min(sectors.sector, sectors.return_1d) as deepest_sector,
    arg_min(sectors.worst_asset, sectors.worst_return_1d) as worst_asset
from worst
inner join sector_daily as sectors on sectors.date = worst.date
left join asset_daily as bitcoin on bitcoin.date = worst.date and bitcoin.asset = 'BTC'
group by worst.date, worst.median_return
order by worst.median_return, worst.date
